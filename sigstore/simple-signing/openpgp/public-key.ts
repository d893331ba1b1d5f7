import { createHash } from "node:crypto";
import { ByteReader } from "./byte-reader.ts";
import { type KeyMaterial, readKeyMaterial } from "./key-material.ts";
import { malformed } from "./malformed.ts";

/** A primary key or a subkey. */
export interface PublicKey {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  /** The last 16 of them. */
  readonly keyId: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly algorithm: number;
  readonly material: KeyMaterial;
  /** What is hashed where this key is signed, and for its fingerprint. */
  readonly hashed: Uint8Array;
}

// key = version(4) created(4 bytes) algorithm material        a secret key goes on behind that

/**
 * Parses a key packet's content; of a secret key its public part.
 *
 * @throws {SignatureError} `signature.malformed` where it is none of version 4
 */
export function parsePublicKey(body: Uint8Array, isSecret: boolean): PublicKey {
  const reader = new ByteReader(body);
  const version = reader.uint(1);
  if (version !== 4) throw malformed(`key of version ${version}`);
  const created = reader.uint(4);
  const algorithm = reader.uint(1);
  const material = readKeyMaterial(reader, algorithm);
  if (!isSecret) reader.end();
  const hashed = withHeader(body.subarray(0, reader.offset));
  const fingerprint = createHash("sha1").update(hashed).digest("hex").toUpperCase();
  return { fingerprint, keyId: fingerprint.slice(-16), created, algorithm, material, hashed };
}

function withHeader(content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length > 0xffff) throw malformed("key too long");
  return Buffer.concat([Uint8Array.of(0x99, length >> 8, length & 0xff), content]);
}
