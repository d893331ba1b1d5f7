import { createPublicKey, type KeyObject } from "node:crypto";
import type { ByteReader } from "./byte-reader.ts";
import { type Curve, ed25519Legacy, findCurve } from "./curves.ts";
import { malformed } from "./malformed.ts";

/** Public-key algorithms that sign — RFC 9580 § 9.1. */
export const keyAlgorithms = {
  rsa: 1,
  rsaSign: 3,
  dsa: 17,
  ecdsa: 19,
  eddsaLegacy: 22,
  ed25519: 27,
} as const;

/** What a key is made of, ready to verify with, or the reason why it never is. */
export interface KeyMaterial {
  /** For people: `RSA 3072`, `Ed25519`. */
  readonly label: string;
  readonly key: KeyObject | undefined;
  /** Bytes of a signature, or of each half of one. */
  readonly size: number;
}

/** GnuPG makes keys of up to 4096 bits; beyond 16384 nobody verifies. */
const rsaBits = { least: 2048, most: 16_384 };

/**
 * Reads what follows the algorithm in a key packet. Kinds that do not sign, or not well enough, are read too, so that
 * what stands behind them is.
 *
 * @throws {SignatureError} `signature.malformed`
 */
export function readKeyMaterial(reader: ByteReader, algorithm: number): KeyMaterial {
  switch (algorithm) {
    case keyAlgorithms.rsa:
    case keyAlgorithms.rsaSign:
      return rsa(reader.mpi(), reader.mpi());
    case keyAlgorithms.ecdsa:
      return ecdsa(readId(reader), reader.mpi());
    case keyAlgorithms.eddsaLegacy:
      return eddsaLegacy(readId(reader), reader.mpi());
    case keyAlgorithms.ed25519:
      return ed25519(reader.take(32));
    default:
      return skip(reader, algorithm);
  }
}

function rsa(modulus: Uint8Array, exponent: Uint8Array): KeyMaterial {
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  const label = `RSA ${bits}`;
  const strong = bits >= rsaBits.least && bits <= rsaBits.most && exponent.length <= 8;
  if (!strong) return { label, key: undefined, size: 0 };
  const jwk = { kty: "RSA", n: base64(modulus), e: base64(exponent) };
  return { label, key: load({ key: jwk, format: "jwk" }), size: modulus.length };
}

function ecdsa(id: Uint8Array, point: Uint8Array): KeyMaterial {
  const curve = findCurve(id);
  if (!curve || point.length !== 2 * curve.size + 1) {
    return { label: "ECDSA of an unknown curve", key: undefined, size: 0 };
  }
  const key = load({ key: subjectPublicKey(curve, point), format: "der", type: "spki" });
  return { label: `ECDSA ${curve.name}`, key, size: curve.size };
}

function eddsaLegacy(id: Uint8Array, point: Uint8Array): KeyMaterial {
  const isKnown = Buffer.compare(id, ed25519Legacy.id) === 0;
  if (!isKnown || point[0] !== 0x40 || point.length !== 33) {
    return { label: "EdDSA of an unknown curve", key: undefined, size: 0 };
  }
  return ed25519(point.subarray(1));
}

function ed25519(point: Uint8Array): KeyMaterial {
  const jwk = { kty: "OKP", crv: "Ed25519", x: base64(point) };
  return { label: "Ed25519", key: load({ key: jwk, format: "jwk" }), size: 32 };
}

/** Number of multiprecision integers in the public part of other kinds: Elgamal and DSA. */
const integers: Readonly<Record<number, number>> = { 2: 2, 16: 3, 17: 4 };
/** Number of bytes there: X25519, X448, Ed448. */
const fixed: Readonly<Record<number, number>> = { 25: 32, 26: 56, 28: 57 };

function skip(reader: ByteReader, algorithm: number): KeyMaterial {
  const ecdh = 18;
  if (algorithm === ecdh) {
    readId(reader);
    reader.mpi();
    reader.take(reader.uint(1));
  } else if (integers[algorithm] !== undefined) {
    for (let left = integers[algorithm]; left > 0; left -= 1) reader.mpi();
  } else if (fixed[algorithm] !== undefined) {
    reader.take(fixed[algorithm]);
  } else {
    throw malformed(`key of algorithm ${algorithm}`);
  }
  const label = algorithm === keyAlgorithms.dsa ? "DSA" : `algorithm ${algorithm}`;
  return { label, key: undefined, size: 0 };
}

/** A length and an object identifier; the lengths 0 and 255 are reserved. */
function readId(reader: ByteReader): Uint8Array {
  const length = reader.uint(1);
  if (length === 0 || length === 0xff) throw malformed("reserved length of a curve's name");
  return reader.take(length);
}

function load(input: Parameters<typeof createPublicKey>[0]): KeyObject | undefined {
  try {
    return createPublicKey(input);
  } catch {
    // Not on its curve, an even modulus: no key that anything could be verified with.
    return undefined;
  }
}

// SubjectPublicKeyInfo = SEQUENCE { SEQUENCE { ecPublicKey, curve }, BIT STRING point }       RFC 5480
const ecPublicKey = Buffer.from("2a8648ce3d0201", "hex");

/** At most 158 bytes: no length is above 255. */
function subjectPublicKey(curve: Curve, point: Uint8Array): Buffer {
  const algorithm = der(0x30, der(0x06, ecPublicKey), der(0x06, curve.id));
  return der(0x30, algorithm, der(0x03, Uint8Array.of(0), point));
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const prefix = length < 0x80 ? [tag, length] : [tag, 0x81, length];
  return Buffer.concat([Uint8Array.from(prefix), content]);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
