import { createHash, type Hash } from "node:crypto";
import { ContentError } from "./errors.ts";

/** `algorithm:hex`, checked: a known algorithm, lower-case hex of its exact length. Only {@link parseDigest} and hashing make one. */
export type Digest = string & { readonly "~digest": true };

export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

/** The algorithms known here and the length of their hex — OCI image-spec, descriptor.md § Registered algorithms. */
export const hexLengths: Readonly<Record<DigestAlgorithm, number>> = {
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** @throws {ContentError} `content.bad-digest`. A path may be built from what is returned: it holds no separators but one colon. */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (colon < 1 || !/^[0-9a-f]+$/.test(text.slice(colon + 1))) {
    throw new ContentError("content.bad-digest", "invalid checksum digest format");
  }
  if (!Object.hasOwn(hexLengths, algorithm)) {
    throw new ContentError("content.bad-digest", "unsupported digest algorithm");
  }
  if (text.length - colon - 1 !== hexLengths[algorithm as DigestAlgorithm]) {
    throw new ContentError("content.bad-digest", "invalid checksum digest length");
  }
  return text as Digest;
}

/** True where {@link parseDigest} would not throw. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  return (
    Object.hasOwn(hexLengths, algorithm) &&
    text.length - colon - 1 === hexLengths[algorithm as DigestAlgorithm] &&
    /^[0-9a-f]+$/.test(text.slice(colon + 1))
  );
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** An empty hash of the algorithm of `like`. */
export function hasherFor(like: Digest): Hash {
  return createHash(algorithmOf(like));
}

/** Ends `hash`, which must be of the algorithm of `like`. */
export function formatDigest(like: Digest, hash: Hash): Digest {
  return `${algorithmOf(like)}:${hash.digest("hex")}` as Digest;
}

/** The digest of bytes held whole. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}
