import { createHash, type Hash } from "node:crypto";
import { ContentError } from "./errors.ts";

/** `algorithm:hex`, checked: a known algorithm, lower-case hex of its exact length. Only {@link parseDigest} and hashing make one. */
export type Digest = string & { readonly "~digest": true };

/** A registered hash algorithm — OCI image-spec, descriptor.md § Digests. */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

/** The algorithms known here and the length of their hex — OCI image-spec, descriptor.md § Registered algorithms. */
export const hexLengths: Readonly<Record<DigestAlgorithm, number>> = {
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/**
 * The text as a digest. A path may be built from what is returned: it holds no separators but one colon.
 *
 * @throws {ContentError} `content.bad-digest`
 */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  if (!Object.hasOwn(hexLengths, algorithm)) {
    const named = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(text);
    throw bad(named ? "unsupported digest algorithm" : "invalid checksum digest format");
  }
  if (hex === "") throw bad("invalid checksum digest format");
  if (hex.length !== hexLengths[algorithm as DigestAlgorithm]) {
    throw bad("invalid checksum digest length");
  }
  if (!/^[0-9a-f]+$/.test(hex)) throw bad("invalid checksum digest format");
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

/** The part before the colon. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

/** The part behind the colon: safe as a file name. */
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

function bad(message: string): ContentError {
  return new ContentError("content.bad-digest", message);
}
