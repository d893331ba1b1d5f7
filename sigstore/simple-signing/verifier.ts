import { SignatureError, type SignatureErrorCode } from "../errors.ts";
import { parsePayload } from "../payload.ts";
import type { UntrustedSignature } from "../signature.ts";
import type { SignatureVerifier, VerifiedSignature } from "../verifiers.ts";
import { isMadeBy } from "./openpgp/check-signature.ts";
import { hashName } from "./openpgp/hashes.ts";
import { keyAlgorithms } from "./openpgp/key-material.ts";
import { findSigners, isImported, readCertificates, type SigningKey } from "./openpgp/key-ring.ts";
import { clockSkew, earliest, endOf } from "./openpgp/key-standing.ts";
import { malformed } from "./openpgp/malformed.ts";
import { parseSignedMessage, type SignedMessage } from "./openpgp/message.ts";
import type { CheckedCertificate } from "./openpgp/self-signatures.ts";
import { type Signature, signatureTypes } from "./openpgp/signature-packet.ts";

/** What a signature of this kind proves. `signedBy` is the fingerprint of the primary key, 40 upper-case hex digits. */
export interface VerifiedSimpleSignature extends VerifiedSignature {
  /** Of the key that made it: the primary one or a subkey. */
  readonly keyFingerprint: string;
  readonly signedAt: Date;
}

/** Verifies simple signatures; says more of each than others do. */
export interface SimpleSigningVerifier extends SignatureVerifier {
  /** @throws {SignatureError} in the reference's words where it has some */
  verify(signature: UntrustedSignature): Promise<VerifiedSimpleSignature>;
}

/** How strictly, and when. */
export interface SimpleSigningOptions {
  readonly now: () => Date;
  /** Keys of RFC 9580's Ed25519, which no client that uses GnuPG accepts. Default false. */
  readonly acceptEd25519OfRfc9580?: boolean;
}

/** `specs` signing.md 0.4. */
const maxBytes = 4 * 1024 * 1024;

/**
 * Verifies simple signatures against the OpenPGP keys in `keys`, each armoured or binary, any number in each. Keys are
 * read and their own signatures checked once; whether they are still good is asked at each signature.
 *
 * @throws {SignatureError} `signature.bad-trust`: `No public keys imported`
 */
export function createSimpleSigningVerifier(
  keys: readonly Uint8Array[],
  options: SimpleSigningOptions,
): SimpleSigningVerifier {
  const certificates = readCertificates(keys);
  if (!certificates.some((one) => isImported(one, seconds(options.now())))) {
    throw new SignatureError("signature.bad-trust", "No public keys imported");
  }
  return { verify: async (signature) => verify(signature, certificates, options) };
}

function verify(
  signature: UntrustedSignature,
  certificates: readonly CheckedCertificate[],
  options: SimpleSigningOptions,
): VerifiedSimpleSignature {
  if (signature.format !== "simple-signing") throw malformed("of another kind", "No data");
  if (signature.bytes.length > maxBytes) {
    throw bad("signature.malformed", `exceeded maximum allowed size of ${maxBytes} bytes`);
  }
  const message = parseSignedMessage(signature.bytes);
  const now = seconds(options.now());
  checkForm(message.signature);
  const signer = findSigner(message, certificates, now);
  checkKeyKinds(signer, options);
  checkTimes(message.signature, signer, now);
  const standing = signer.judge(now);
  if (standing.problem) {
    throw bad(standing.problem.code, `key ${signer.key.fingerprint} ${standing.problem.text}`);
  }
  const { created, lifetime } = message.signature;
  const validUntil = earliest([standing.validUntil, endOf(created, lifetime)]);
  return {
    claim: parsePayload(message.content, "simple-signing"),
    signedBy: signer.certificate.primary.fingerprint,
    keyFingerprint: signer.key.fingerprint,
    signedAt: date(created),
    ...(validUntil !== undefined && { validUntil: date(validUntil) }),
  };
}

/** Refuses what no key makes good: signatures of something else than data, weak hashes, what is not understood. */
function checkForm({ type, hashAlgorithm, unknownCritical }: Signature): void {
  if (type !== signatureTypes.binary && type !== signatureTypes.text) {
    throw bad("signature.bad", `signature of class 0x${type.toString(16).padStart(2, "0")}`);
  }
  if (unknownCritical) throw bad("signature.bad", "something critical in it is unknown");
  if (!hashName(hashAlgorithm, "data")) {
    throw bad("signature.weak", `digest algorithm ${hashAlgorithm} is not accepted`);
  }
}

/** A certificate that GnuPG cannot read is none for its clients, whichever of its keys signs. */
function checkKeyKinds({ key, certificate }: SigningKey, options: SimpleSigningOptions): void {
  const isNew = [key, certificate.primary].some((one) => one.algorithm === keyAlgorithms.ed25519);
  if (isNew && options.acceptEd25519OfRfc9580 !== true) {
    throw bad("signature.weak", `key ${key.fingerprint} is of RFC 9580, which is not accepted`);
  }
}

function findSigner(
  { content, signature }: SignedMessage,
  certificates: readonly CheckedCertificate[],
  now: number,
): SigningKey {
  const claimed = signature.fingerprints[0] ?? signature.keyIds[0] ?? "unknown";
  const candidates = findSigners(certificates, signature);
  if (candidates.length === 0) {
    throw bad("signature.unknown-key", `made by key ${claimed}, which is not trusted here`);
  }
  const weak = candidates.find(({ key }) => !key.material.key);
  if (weak) {
    const { fingerprint, material } = weak.key;
    throw bad(
      "signature.weak",
      `key ${fingerprint} is of a kind that is not accepted: ${material.label}`,
    );
  }
  // Text is hashed with its line endings as they are, which must be CR LF then: GnuPG does so.
  // A subkey may stand under several primary keys: one that it is really bound to decides.
  const makers = candidates.filter(({ key }) => isMadeBy(key, signature, [content], "data"));
  const signer = makers.find((one) => !one.judge(now).problem) ?? makers[0];
  if (!signer) throw bad("signature.bad", `not made by key ${claimed}, or changed since`);
  return signer;
}

function checkTimes({ created, lifetime }: Signature, signer: SigningKey, now: number): void {
  const end = endOf(created, lifetime);
  if (end !== undefined && end <= now) throw bad("signature.expired", "the signature has expired");
  if (created > now + clockSkew) throw bad("signature.bad", "the signature is from the future");
  if (created < Math.max(signer.key.created, signer.certificate.primary.created)) {
    throw bad("signature.bad", "the signature is older than its key");
  }
}

function bad(code: SignatureErrorCode, what: string): SignatureError {
  return new SignatureError(code, `Invalid GPG signature: ${what}`);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function date(time: number): Date {
  return new Date(time * 1000);
}
