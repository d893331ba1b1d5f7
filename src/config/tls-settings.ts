import type { TlsDetails } from "./tls-details.ts";

/** A client certificate and its key, in PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** How TLS is done with one host. */
export interface TlsSettings extends TlsDetails {
  /** PEM texts, of one or many certificates each: all that is trusted. Empty: what Node trusts by itself. */
  readonly ca: readonly string[];
  readonly clientCertificates: readonly ClientCertificate[];
  /** False accepts any certificate. */
  readonly verify: boolean;
}

/** The settings for a host as references name it (`docker.io`, `localhost:5000`); the same object for the same settings. */
export type TlsFor = (host: string, options: { readonly verify: boolean }) => TlsSettings;
