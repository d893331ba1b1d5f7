import { ByteReader } from "./byte-reader.ts";
import { keyAlgorithms } from "./key-material.ts";
import { malformed } from "./malformed.ts";
import { parseSubpackets, type Subpackets } from "./subpackets.ts";

/** Kinds of signatures — RFC 9580 § 5.2.1. */
export const signatureTypes = {
  binary: 0x00,
  text: 0x01,
  certifications: [0x10, 0x11, 0x12, 0x13],
  subkeyBinding: 0x18,
  primaryBinding: 0x19,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
  certificationRevocation: 0x30,
} as const;

/** A signature of OpenPGP; its times, flags and lifetimes are what was signed. */
export interface Signature extends Omit<Subpackets, "created" | "embedded"> {
  readonly version: 3 | 4;
  readonly type: number;
  readonly algorithm: number;
  readonly hashAlgorithm: number;
  readonly created: number;
  /** From both areas: it is good by itself or not at all. */
  readonly embedded: readonly Uint8Array[];
  /** What is hashed behind the signed content. */
  readonly trailer: Uint8Array;
  /** The first two bytes of the hash. */
  readonly hashStart: Uint8Array;
  /** One or two numbers without leading zeros, or one of fixed length. */
  readonly values: readonly Uint8Array[];
}

// v4   = 4 type algorithm hash size(2) hashed size(2) unhashed start(2) values
// v3   = 3 5 type created(4) key-id(8) algorithm hash start(2) values

/**
 * Parses a signature packet's content.
 *
 * @throws {SignatureError} `signature.malformed`, also for versions other than 3 and 4
 */
export function parseSignature(body: Uint8Array): Signature {
  const reader = new ByteReader(body);
  const version = reader.uint(1);
  if (version === 3) return parseV3(reader);
  if (version === 4) return parseV4(reader, body);
  throw malformed(
    `signature of version ${version}`,
    `Invalid GPG signature: signatures of version ${version} are not supported`,
  );
}

function parseV3(reader: ByteReader): Signature {
  if (reader.uint(1) !== 5)
    throw malformed("signature of version 3 that hashes other than 5 bytes");
  const trailer = reader.take(5);
  const type = trailer[0] ?? 0;
  const created = new ByteReader(trailer.subarray(1)).uint(4);
  const keyId = Buffer.from(reader.take(8)).toString("hex").toUpperCase();
  const algorithm = reader.uint(1);
  return {
    version: 3,
    type,
    algorithm,
    hashAlgorithm: reader.uint(1),
    created,
    trailer,
    hashStart: reader.take(2),
    values: readValues(reader, algorithm),
    fingerprints: [],
    keyIds: [keyId],
    revokers: [],
    embedded: [],
    unknownCritical: false,
  };
}

function parseV4(reader: ByteReader, body: Uint8Array): Signature {
  const type = reader.uint(1);
  const algorithm = reader.uint(1);
  const hashAlgorithm = reader.uint(1);
  const hashed = parseSubpackets(reader.take(reader.uint(2)));
  const signed = body.subarray(0, reader.offset);
  const unhashed = parseSubpackets(reader.take(reader.uint(2)));
  const { created } = hashed;
  if (created === undefined) throw malformed("signature without a time");
  return {
    ...hashed,
    version: 4,
    type,
    algorithm,
    hashAlgorithm,
    created,
    fingerprints: [...hashed.fingerprints, ...unhashed.fingerprints],
    keyIds: [...hashed.keyIds, ...unhashed.keyIds],
    embedded: [...hashed.embedded, ...unhashed.embedded],
    unknownCritical: hashed.unknownCritical || unhashed.unknownCritical,
    trailer: Buffer.concat([signed, Uint8Array.of(4, 0xff), uint32(signed.length)]),
    hashStart: reader.take(2),
    values: readValues(reader, algorithm),
  };
}

function readValues(reader: ByteReader, algorithm: number): readonly Uint8Array[] {
  const values = valuesOf(reader, algorithm);
  reader.end();
  return values;
}

function valuesOf(reader: ByteReader, algorithm: number): readonly Uint8Array[] {
  switch (algorithm) {
    case keyAlgorithms.rsa:
    case keyAlgorithms.rsaSign:
      return [reader.mpi()];
    case keyAlgorithms.dsa:
    case keyAlgorithms.ecdsa:
    case keyAlgorithms.eddsaLegacy:
      return [reader.mpi(), reader.mpi()];
    default:
      return [reader.rest()];
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
