import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { SignatureError } from "../errors.ts";
import { DerError, DerReader, derTags, parseOctetBits, parseOid, readDer } from "./der.ts";
import { decodePem, pemText } from "./pem.ts";

const minRsaBits = 2048;

const oids = {
  rsa: "1.2.840.113549.1.1.1",
  ec: "1.2.840.10045.2.1",
  ed25519: "1.3.101.112",
} as const;

/** Bytes of a coordinate, by curve. */
const coordinateLengths: Readonly<Record<string, number>> = {
  "1.2.840.10045.3.1.7": 32,
  "1.3.132.0.34": 48,
  "1.3.132.0.35": 66,
};

/**
 * A public key in PEM, PKIX or PKCS#1: ECDSA on P-256, P-384 or P-521, RSA of 2048 bits and more, Ed25519. Only the
 * first block counts.
 *
 * @throws {SignatureError} `signature.bad-trust`, in the reference's words where it has some
 */
export function parsePublicKeyPem(bytes: Uint8Array): KeyObject {
  const block = decodePem(pemText(bytes));
  if (!block) throw bad("PEM decoding failed");
  switch (block.type) {
    case "PUBLIC KEY":
      return parseSpki(block.bytes);
    case "RSA PUBLIC KEY":
      return checkedRsa(importKey(block.bytes, "pkcs1"), block.bytes, "pkcs1");
    default:
      throw bad(
        `unknown Public key PEM file type: ${block.type}. Are you passing the correct public key?`,
      );
  }
}

/**
 * The key of a SubjectPublicKeyInfo, which must be written in the one way that DER has for it.
 *
 * @throws {SignatureError} `signature.bad-trust` for what is no such key, or of a kind that is not taken
 */
export function parseSpki(der: Uint8Array): KeyObject {
  const { algorithm, parameters, bits } = readSpki(der);
  switch (algorithm) {
    case oids.rsa:
      if (parameters !== "null") throw bad("x509: RSA key missing NULL parameters");
      return checkedRsa(importKey(der, "spki"), der, "spki");
    case oids.ec: {
      const length = coordinateLengths[parameters];
      if (length === undefined) throw bad("x509: unsupported elliptic curve");
      const plain = bits[0] === 4 && bits.length === 1 + 2 * length;
      if (!plain) throw bad("ecdsa: invalid uncompressed public key");
      return importKey(der, "spki");
    }
    case oids.ed25519:
      if (parameters !== "none") throw bad("x509: Ed25519 key encoded with illegal parameters");
      if (bits.length !== 32) throw bad("x509: wrong Ed25519 public key size");
      return importKey(der, "spki");
    default:
      throw bad("x509: unknown public key algorithm");
  }
}

/** SubjectPublicKeyInfo in DER: what a log entry names a key by. */
export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" });
}

/** `sha256:` and the digest of the key's SubjectPublicKeyInfo. */
export function keyIdOf(key: KeyObject): string {
  return `sha256:${hash("sha256", spkiOf(key))}`;
}

/**
 * Whether `key` made `signature` over `data`: ECDSA and RSA PKCS#1 v1.5, both with SHA-256, or plain Ed25519.
 *
 * @returns undefined where it did, otherwise what the reference says of it
 */
export function signatureFailure(
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): string | undefined {
  switch (key.asymmetricKeyType) {
    case "ec":
      return ecdsaFailure(key, data, signature);
    case "rsa":
      return isSigned("sha256", key, data, signature)
        ? undefined
        : "crypto/rsa: verification error";
    case "ed25519":
      return isSigned(null, key, data, signature) ? undefined : "failed to verify signature";
    default:
      return "unsupported public key type";
  }
}

/** What is no ASN.1 is taken for the two numbers side by side, as cosign does. */
function ecdsaFailure(key: KeyObject, data: Uint8Array, signature: Uint8Array): string | undefined {
  if (isIntegerPair(signature)) {
    if (isSigned("sha256", key, data, signature)) return undefined;
    return "invalid signature when validating ASN.1 encoded signature";
  }
  const { length } = signature;
  if (length === 0 || length > 132 || length % 2 !== 0) {
    return "ecdsa: Invalid IEEE_P1363 encoded bytes";
  }
  if (verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature)) return undefined;
  return "invalid signature when validating IEEE_P1363 encoded signature";
}

function isIntegerPair(signature: Uint8Array): boolean {
  try {
    const numbers = new DerReader(signature).enter(derTags.sequence);
    numbers.read(derTags.integer);
    numbers.read(derTags.integer);
    return true;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** RSA by PKCS#1 v1.5, ECDSA in ASN.1; a signature that OpenSSL cannot read is none. */
export function isSigned(
  hash: "sha256" | "sha384" | "sha512" | null,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hash, data, { key, dsaEncoding: "der" }, signature);
  } catch {
    return false;
  }
}

interface Spki {
  readonly algorithm: string;
  /** The curve's identifier, "null", "none", or "other". */
  readonly parameters: string;
  readonly bits: Uint8Array;
}

function readSpki(der: Uint8Array): Spki {
  try {
    const spki = readDer(der, derTags.sequence);
    const identifier = spki.enter(derTags.sequence);
    const algorithm = parseOid(identifier.read(derTags.oid).content);
    const parameters = identifier.atEnd ? "none" : parametersOf(identifier);
    const bits = parseOctetBits(spki.read(derTags.bitString).content);
    spki.end();
    return { algorithm, parameters, bits };
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw bad(`asn1: structure error: ${cause.message}`, cause);
  }
}

function parametersOf(identifier: DerReader): string {
  const { tag, content } = identifier.read();
  identifier.end();
  if (tag === derTags.oid) return parseOid(content);
  return tag === derTags.null && content.length === 0 ? "null" : "other";
}

function importKey(der: Uint8Array, type: "spki" | "pkcs1"): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(der), format: "der", type });
  } catch (cause) {
    throw bad("x509: the public key is malformed", cause);
  }
}

/** OpenSSL reads what is not quite DER; what is written again must be what was read. */
function checkedRsa(key: KeyObject, der: Uint8Array, type: "spki" | "pkcs1"): KeyObject {
  if (key.asymmetricKeyType !== "rsa") throw bad("x509: unknown public key algorithm");
  if (!key.export({ format: "der", type }).equals(der)) throw bad("x509: invalid RSA public key");
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < minRsaBits) {
    throw bad(`RSA key of ${modulusLength} bits: at least ${minRsaBits} are needed`);
  }
  const odd = publicExponent % 2n === 1n;
  if (publicExponent < 3n || publicExponent >= 2n ** 31n || !odd) {
    throw bad("x509: RSA public exponent is out of range");
  }
  return key;
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.bad-trust", message, { cause });
}
