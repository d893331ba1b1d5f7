import { KnownError } from "../../src/core/errors.ts";
import { type JsonValue, parseStrictJson } from "../../src/core/strict-json.ts";
import { claimedTime, parsePayload } from "../payload.ts";
import type { SignatureDescription } from "../verifiers.ts";
import { annotationKeys, type SigstoreSignature } from "./attachment.ts";
import type { Certificate } from "./certificate.ts";
import { parseCertificates } from "./certificate-pem.ts";
import { oidcIssuerOf } from "./fulcio.ts";

/**
 * What a signature says of itself, none of it verified. Its payload does not name a key: only a certificate does. Never
 * throws.
 */
export function describeSigstore(signature: SigstoreSignature): SignatureDescription {
  const payload = tolerant(() => parsePayload(signature.payload, "sigstore"));
  const certificate = tolerant(() => certificateOf(signature));
  const logged = tolerant(() => loggedAt(signature));
  const keyId = certificate && holderOf(certificate);
  return {
    format: "sigstore",
    ...(keyId !== undefined && keyId !== "" && { keyId }),
    ...(payload && {
      dockerReference: payload.dockerReference,
      manifestDigest: payload.manifestDigest,
    }),
    ...claimedTime(logged ?? payload?.timestamp),
  };
}

function certificateOf({ annotations }: SigstoreSignature): Certificate | undefined {
  const pem = annotations[annotationKeys.certificate];
  return pem === undefined ? undefined : parseCertificates(pem)[0];
}

/** `ann@example.com (https://accounts.example.com)`. */
function holderOf(certificate: Certificate): string {
  const { emails, uris, dnsNames } = certificate.altNames;
  const names = [...emails, ...uris, ...dnsNames].join(", ");
  const issuer = tolerant(() => oidcIssuerOf(certificate));
  return issuer === undefined ? names : `${names} (${issuer})`;
}

function loggedAt({ annotations }: SigstoreSignature): number | undefined {
  const set = annotations[annotationKeys.set];
  if (set === undefined) return undefined;
  const document = parseStrictJson(Buffer.from(set), { maxDepth: 10 });
  const time = memberOf(memberOf(document, "Payload"), "integratedTime");
  return typeof time === "number" ? time : undefined;
}

function memberOf(value: JsonValue, name: string): JsonValue {
  return value instanceof Map ? (value.get(name) ?? null) : null;
}

function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}
