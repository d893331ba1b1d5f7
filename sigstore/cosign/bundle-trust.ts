import type { KeyObject } from "node:crypto";
import type { TrustedRoot } from "@sigstore/protobuf-specs";
import { KnownError } from "../../src/core/errors.ts";
import { parseStrictJson } from "../../src/core/strict-json.ts";
import { SignatureError } from "../errors.ts";
import type { BundleTrust } from "../verifiers.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import type { CertificateIdentity } from "./certificate-identity.ts";
import { parsePublicKeyPem } from "./public-key.ts";

/** Authorities of a trusted root, for one of them. */
export interface TrustedAuthority {
  readonly root: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** A {@link BundleTrust} that is read. */
export interface PreparedBundleTrust {
  readonly signers:
    | { readonly type: "keys"; readonly keys: readonly KeyObject[] }
    | { readonly type: "certificates"; readonly identities: readonly CertificateIdentity[] };
  readonly root?: {
    readonly document: TrustedRoot;
    readonly authorities: readonly TrustedAuthority[];
  };
}

const timeStamping = "1.3.6.1.5.5.7.3.8";
const rootTypes =
  /^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.1|\.v0\.[12]\+json)$/;
const endOfTime = new Date(8_640_000_000_000_000);

/** @throws {SignatureError} `signature.bad-trust` */
export async function prepareBundleTrust(trust: BundleTrust): Promise<PreparedBundleTrust> {
  const { signers, trustedRoot } = trust;
  const root = trustedRoot && (await prepareRoot(trustedRoot));
  if (signers.type === "keys") {
    if (signers.keys.length === 0) throw bad("no public keys are given");
    const keys = signers.keys.map((pem) => parsePublicKeyPem(pem));
    return { signers: { type: "keys", keys }, ...(root && { root }) };
  }
  if (!root) throw bad("certificates cannot be trusted without a trusted root");
  if (signers.identities.length === 0) throw bad("no identities are given");
  if (root.authorities.length === 0) throw bad("the trusted root has no certificate authorities");
  return { signers, root };
}

async function prepareRoot(bytes: Uint8Array): Promise<NonNullable<PreparedBundleTrust["root"]>> {
  const { TrustedRoot: format } = await import("@sigstore/protobuf-specs");
  checkJson(bytes);
  const document = orBad("the trusted root cannot be read", () =>
    format.fromJSON(JSON.parse(Buffer.from(bytes).toString())),
  );
  if (!rootTypes.test(document.mediaType)) {
    throw bad(`${JSON.stringify(document.mediaType)} is not the type of a trusted root`);
  }
  if (document.tlogs.length === 0) throw bad("the trusted root has no transparency logs");
  for (const { certChain } of document.timestampAuthorities) {
    const [leaf] = certificatesOf(certChain?.certificates);
    if (!leaf?.extKeyUsage?.includes(timeStamping)) {
      throw bad("a timestamp authority's certificate is not for time stamping");
    }
  }
  return { document, authorities: document.certificateAuthorities.map(authorityOf) };
}

function authorityOf(authority: TrustedRoot["certificateAuthorities"][number]): TrustedAuthority {
  const chain = certificatesOf(authority.certChain?.certificates);
  const root = chain.at(-1);
  if (!root) throw bad("a certificate authority has no certificates");
  return {
    root,
    intermediates: chain.slice(0, -1),
    validFrom: authority.validFor?.start ?? new Date(0),
    validTo: authority.validFor?.end ?? endOfTime,
  };
}

function certificatesOf(
  chain: readonly { readonly rawBytes: Uint8Array }[] = [],
): readonly Certificate[] {
  return chain.map(({ rawBytes }) =>
    orBad("a certificate of the trusted root cannot be read", () => parseCertificate(rawBytes)),
  );
}

/** A member that occurs twice would be read one way here and another way elsewhere. */
function checkJson(bytes: Uint8Array): void {
  orBad("the trusted root is no JSON", () => parseStrictJson(bytes, { maxDepth: 100 }));
}

/** Whatever the packages throw, the file is at fault. */
function orBad<T>(message: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof KnownError) throw bad(`${message}: ${cause.message}`, cause);
    throw bad(message, cause);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-trust", message, { cause });
}
