import { createHash, verify } from "node:crypto";
import { type HashUse, hashName } from "./hashes.ts";
import { keyAlgorithms } from "./key-material.ts";
import type { PublicKey } from "./public-key.ts";
import type { Signature } from "./signature-packet.ts";

/**
 * Whether `key` made `signature` over `content`, which is hashed piece after piece. False too for a hash that is too
 * weak for `use`, and for a key that never verifies. Times, flags and kinds are not looked at.
 */
export function isMadeBy(
  key: PublicKey,
  signature: Signature,
  content: readonly Uint8Array[],
  use: HashUse,
): boolean {
  const hash = hashName(signature.hashAlgorithm, use);
  const keyObject = key.material.key;
  const value = signatureBytes(signature, key.material.size);
  if (!hash || !keyObject || !value || signature.algorithm !== key.algorithm) return false;
  const signed = Buffer.concat([...content, signature.trailer]);
  const digest = createHash(hash).update(signed).digest();
  if (Buffer.compare(digest.subarray(0, 2), signature.hashStart) !== 0) return false;
  // EdDSA signs the hash as if it were the message; the others are told which hash it is.
  return isEdwards(signature)
    ? verify(null, digest, keyObject, value)
    : verify(hash, signed, { key: keyObject, dsaEncoding: "ieee-p1363" }, value);
}

function isEdwards({ algorithm }: Signature): boolean {
  return algorithm === keyAlgorithms.eddsaLegacy || algorithm === keyAlgorithms.ed25519;
}

/** The numbers of a signature side by side, each of its full length again; undefined where one is too long. */
function signatureBytes({ algorithm, values }: Signature, size: number): Uint8Array | undefined {
  if (algorithm === keyAlgorithms.ed25519) return values[0];
  if (values.some((value) => value.length > size)) return undefined;
  return Buffer.concat(values.flatMap((value) => [new Uint8Array(size - value.length), value]));
}
