import type { KeyObject } from "node:crypto";
import { KnownError } from "../../src/core/errors.ts";
import { decodeGoBase64 } from "../../src/core/go-base64.ts";
import { goQuote } from "../../src/core/go-quote.ts";
import { SignatureError } from "../errors.ts";
import { parsePayload } from "../payload.ts";
import type { UntrustedSignature } from "../signature.ts";
import type { SignatureVerifier, SigstoreTrust, VerifiedSignature } from "../verifiers.ts";
import { annotationKeys, type SigstoreSignature, signatureMediaType } from "./attachment.ts";
import { oidcIssuerOf } from "./fulcio.ts";
import { hostnameFailure, isForHost } from "./hostname.ts";
import {
  parseIntermediates,
  parseLeaf,
  type VerifiedLeaf,
  verifyLeaf,
} from "./leaf-certificate.ts";
import { encodePem } from "./pem.ts";
import { keyIdOf, signatureFailure, spkiOf } from "./public-key.ts";
import { verifyRekorSet } from "./rekor-set.ts";
import { type PreparedTrust, prepareTrust } from "./trust.ts";

/** Who may have signed, found before the signature itself is looked at. */
interface Candidates {
  readonly keys: readonly KeyObject[];
  /** The identity in a certificate; otherwise the key that fits is named. */
  readonly signedBy?: string;
  readonly loggedAt?: Date;
  readonly validUntil?: Date;
}

/** How far ahead of ours the clock of a log may be. */
const maxSkewMs = 5 * 60 * 1000;

/**
 * A verifier of what cosign and containers/image sign, held to one `sigstoreSigned` requirement: offline, in the
 * reference's order and words — `specs` signing.md 4.3 to 4.6.
 *
 * @param options `now`: the time to judge certificates without a log and log entries of the future by
 * @throws {SignatureError} `signature.bad-trust`
 */
export async function createSigstoreVerifier(
  trust: SigstoreTrust,
  options: { readonly now: () => Date },
): Promise<SignatureVerifier> {
  const prepared = prepareTrust(trust);
  return { verify: async (signature) => verifySignature(signature, prepared, options.now()) };
}

function verifySignature(
  untrusted: UntrustedSignature,
  trust: PreparedTrust,
  now: Date,
): VerifiedSignature {
  if (untrusted.format !== "sigstore" || untrusted.mediaType !== signatureMediaType) {
    throw new SignatureError("signature.malformed", "It is no sigstore signature");
  }
  const signature = annotation(untrusted, "signature");
  const candidates = candidatesFor(untrusted, signature, trust, now);
  const { loggedAt, validUntil } = candidates;
  // A time out of Date's range is no time, and not below anything.
  if (loggedAt && !(loggedAt.getTime() <= now.getTime() + maxSkewMs)) {
    throw new SignatureError("signature.bad-log-entry", "Rekor SET is dated in the future");
  }
  const key = keyThatSigned(candidates.keys, untrusted.payload, signature);
  const { manifestDigest, dockerReference } = parsePayload(untrusted.payload, "sigstore");
  return {
    claim: { manifestDigest, dockerReference },
    signedBy: candidates.signedBy ?? keyIdOf(key),
    ...(loggedAt && { signedAt: loggedAt }),
    ...(validUntil && { validUntil }),
  };
}

function candidatesFor(
  untrusted: SigstoreSignature,
  signature: string,
  trust: PreparedTrust,
  now: Date,
): Candidates {
  switch (trust.type) {
    case "keys":
      return trust.rekorKeys
        ? loggedKey(untrusted, signature, trust.keys, trust.rekorKeys)
        : { keys: trust.keys };
    case "fulcio":
      return fulcioKey(untrusted, signature, trust);
    case "pki":
      return pkiKey(untrusted, trust, now);
  }
}

/** The log's entry names one key; whichever of ours that is, no other may have signed. */
function loggedKey(
  untrusted: SigstoreSignature,
  signature: string,
  keys: readonly KeyObject[],
  rekorKeys: readonly KeyObject[],
): Candidates {
  const set = annotation(untrusted, "set");
  const { payload } = untrusted;
  const failures: string[] = [];
  for (const key of keys) {
    const keyOrCertificate = encodePem("PUBLIC KEY", spkiOf(key));
    try {
      const loggedAt = verifyRekorSet(set, rekorKeys, { payload, signature, keyOrCertificate });
      return { keys: [key], loggedAt };
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      failures.push(error.message);
    }
  }
  throw new SignatureError(
    "signature.bad-log-entry",
    `No public key verified against the RekorSET: ${failures.join(", ")}`,
  );
}

function fulcioKey(
  untrusted: SigstoreSignature,
  signature: string,
  trust: Extract<PreparedTrust, { type: "fulcio" }>,
): Candidates {
  const set = annotation(untrusted, "set");
  const keyOrCertificate = annotation(untrusted, "certificate");
  const { payload } = untrusted;
  const loggedAt = verifyRekorSet(set, trust.rekorKeys, { payload, signature, keyOrCertificate });
  const intermediates = parseIntermediates(untrusted.annotations[annotationKeys.chain]);
  const leaf = parseLeaf(keyOrCertificate);
  const pool = { roots: trust.pool.roots, intermediates };
  const { publicKey } = verifyLeaf(leaf, pool, loggedAt);
  const issuer = oidcIssuerOf(leaf);
  if (issuer !== trust.oidcIssuer) throw bad(`Unexpected Fulcio OIDC issuer ${goQuote(issuer)}`);
  requireEmail(leaf.altNames.emails, trust.subjectEmail);
  return { keys: [publicKey], signedBy: `${trust.subjectEmail} (${issuer})`, loggedAt };
}

function pkiKey(
  untrusted: SigstoreSignature,
  trust: Extract<PreparedTrust, { type: "pki" }>,
  now: Date,
): Candidates {
  const { subjectEmail, subjectHostname, pool } = trust;
  const certificate = annotation(untrusted, "certificate");
  const brought = parseIntermediates(untrusted.annotations[annotationKeys.chain]);
  const leaf = parseLeaf(certificate);
  if (subjectEmail !== undefined) requireEmail(leaf.altNames.emails, subjectEmail);
  if (subjectHostname !== undefined && !isForHost(leaf.altNames, subjectHostname)) {
    throw bad(`Unexpected subject hostname: ${hostnameFailure(leaf.altNames, subjectHostname)}`);
  }
  const intermediates = [...pool.intermediates, ...brought];
  const verified: VerifiedLeaf = verifyLeaf(leaf, { roots: pool.roots, intermediates }, now);
  return {
    keys: [verified.publicKey],
    signedBy: [subjectEmail, subjectHostname].filter((name) => name !== undefined).join(", "),
    validUntil: verified.validUntil,
  };
}

function requireEmail(found: readonly string[], wanted: string): void {
  if (found.includes(wanted)) return;
  const shown = found.map((email) => goQuote(email)).join(" ");
  throw bad(`Required email ${goQuote(wanted)} not found (got [${shown}])`);
}

function keyThatSigned(
  keys: readonly KeyObject[],
  payload: Uint8Array,
  signature: string,
): KeyObject {
  const bytes = decodeSignature(signature);
  const failures: string[] = [];
  for (const key of keys) {
    const failure = signatureFailure(key, payload, bytes);
    if (failure === undefined) return key;
    failures.push(failure);
  }
  throw new SignatureError(
    "signature.bad",
    `cryptographic signature verification failed: ${failures.join(", ")}`,
  );
}

function decodeSignature(text: string): Uint8Array {
  try {
    return decodeGoBase64(text);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw new SignatureError("signature.malformed", `base64 decoding: ${error.message}`);
  }
}

function annotation(
  { annotations }: SigstoreSignature,
  which: Exclude<keyof typeof annotationKeys, "chain">,
): string {
  const key = annotationKeys[which];
  const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
  if (value !== undefined) return value;
  throw new SignatureError(absenceCodes[which], `missing ${key} annotation`);
}

const absenceCodes = {
  signature: "signature.malformed",
  set: "signature.bad-log-entry",
  certificate: "signature.bad-certificate",
} as const;

function bad(message: string): SignatureError {
  return new SignatureError("signature.bad-certificate", message);
}
