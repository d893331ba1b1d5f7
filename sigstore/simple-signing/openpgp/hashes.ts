/** Hash algorithms by their OpenPGP number, as `node:crypto` names them — RFC 9580 § 9.5. */
const names: Readonly<Record<number, string>> = {
  1: "md5",
  2: "sha1",
  3: "ripemd160",
  8: "sha256",
  9: "sha384",
  10: "sha512",
  11: "sha224",
  12: "sha3-256",
  14: "sha3-512",
};

/**
 * What a hash has to withstand. `data`: an image's signature, SHA-2 only. `self`: a key's own statements, where old
 * keys have SHA-1. `revocation`: anything, since believing a forged one admits nobody.
 */
export type HashUse = "data" | "self" | "revocation";

const sha2: readonly number[] = [8, 9, 10, 11];

const allowed: Readonly<Record<HashUse, readonly number[]>> = {
  data: sha2,
  self: [...sha2, 12, 14, 2],
  revocation: Object.keys(names).map(Number),
};

/** `sha256`, or undefined where the algorithm is unknown or too weak for `use`. */
export function hashName(algorithm: number, use: HashUse): string | undefined {
  return allowed[use].includes(algorithm) ? names[algorithm] : undefined;
}
