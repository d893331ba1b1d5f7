import type { Environment } from "./environment.ts";
import { loadHostCertificates } from "./load-certificates.ts";
import { loadSystemRoots, nodeRoots } from "./load-system-roots.ts";
import type { TlsDetails } from "./tls-details.ts";
import type { TlsFor, TlsSettings } from "./tls-settings.ts";

/** What flags say of TLS. */
export interface TlsOptions {
  /** `--cert-dir`: for every host, instead of the `certs.d` folders. */
  readonly certificateDirectory?: string;
  readonly details?: TlsDetails;
}

/**
 * Makes the lookup of TLS settings. Nothing is read before the first call, and the system's roots only where they are to
 * be verified against: they are 300 kB.
 *
 * It throws {ConfigError} `config.bad-certificate` or `config.unreadable`.
 */
export function createTlsLookup(environment: Environment, options: TlsOptions = {}): TlsFor {
  const settings = new Map<string, TlsSettings>();
  const plain = new Map<boolean, TlsSettings>();
  let roots: readonly string[] | undefined;
  const systemRoots = () => {
    roots ??= loadSystemRoots(environment).pem;
    return roots;
  };
  const make = (host: string, verify: boolean): TlsSettings => {
    const own = loadHostCertificates(environment, host, options.certificateDirectory);
    const isPlain = own.ca.length === 0 && own.clientCertificates.length === 0;
    const known = isPlain ? plain.get(verify) : undefined;
    if (known) return known;
    const made: TlsSettings = {
      ...options.details,
      ca: verify ? withOwn(systemRoots(), own.ca) : [],
      clientCertificates: own.clientCertificates,
      verify,
    };
    if (isPlain) plain.set(verify, made);
    return made;
  };
  return (host, { verify }) => {
    const key = `${verify} ${host}`;
    const known = settings.get(key) ?? make(host, verify);
    settings.set(key, known);
    return known;
  };
}

/** A list replaces Node's own roots, so that they must be in it where the system has none. */
function withOwn(system: readonly string[], own: readonly string[]): readonly string[] {
  if (own.length === 0) return system;
  return [...(system.length === 0 ? nodeRoots() : system), ...own];
}
