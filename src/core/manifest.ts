import { algorithmOf, type Digest, type DigestAlgorithm, digestOf } from "./digest.ts";
import { ContentError } from "./errors.ts";
import { parseJsonText } from "./json-text.ts";
import { decideManifestType, isSignedSchema1 } from "./manifest-type.ts";
import { mediaTypes } from "./media-type.ts";
import { schema1Payload } from "./schema1-payload.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A manifest as its bytes: exactly what was signed and will be written. */
export interface RawManifest {
  /** Decided from Content-Type and content together; never a wildcard or `text/plain`. */
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** The largest manifest that is read, as in skopeo; registries must take at least as much. */
export const maxManifestBytes = 4 * 1024 * 1024;

const unreadable: readonly string[] = ["content.bad-json", "content.bad-manifest"];

/** What is known of a manifest before it is looked at. */
export interface ReadManifestOptions {
  /** What the manifest was called where it came from: a Content-Type, or the media type of its descriptor. */
  readonly contentType?: string;
  /** What it was asked for by. The result carries it; by default it carries the sha256. */
  readonly digest?: Digest;
  /** By default {@link maxManifestBytes}. */
  readonly maxBytes?: number;
}

/**
 * Takes `bytes` for a manifest: decides its type and refuses whatever two readers could take for two different things
 * (`specs` registry.md 1.3, CVE-2021-41190).
 *
 * @throws {ContentError} `content.too-large`, `content.digest-mismatch`, `content.bad-manifest` with the bytes
 */
export function readRawManifest(bytes: Uint8Array, options: ReadManifestOptions = {}): RawManifest {
  const maxBytes = options.maxBytes ?? maxManifestBytes;
  if (bytes.length > maxBytes) {
    throw new ContentError(
      "content.too-large",
      `exceeded maximum allowed size of ${maxBytes} bytes`,
    );
  }
  const expected = options.digest;
  const algorithm = expected === undefined ? "sha256" : algorithmOf(expected);
  const plain = digestOf(bytes, algorithm);
  const mediaType = asBadManifest(() => typeUnlessMismatched(bytes, plain, options), bytes);
  const digest =
    mediaType === mediaTypes.schema1Signed
      ? asBadManifest(
          () => digestOf(schema1Payload(bytes), algorithm),
          expected === undefined ? bytes : undefined,
        )
      : plain;
  if (expected !== undefined && digest !== expected) throw mismatch(expected, digest);
  return { mediaType, digest, bytes };
}

/**
 * The digest of a manifest: of its bytes, but of signed schema 1 of what is signed. Bytes that are no manifest have a
 * digest too.
 *
 * @throws {ContentError} `content.bad-manifest` if the signatures of schema 1 do not say what they sign
 */
export function manifestDigest(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  const signed = isSignedSchema1(bytes);
  return digestOf(signed ? asBadManifest(() => schema1Payload(bytes)) : bytes, algorithm);
}

/** Garbage that came in place of a manifest asked for by digest is first of all not that manifest. */
function typeUnlessMismatched(
  bytes: Uint8Array,
  plain: Digest,
  { contentType, digest }: ReadManifestOptions,
): string {
  try {
    const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 32 });
    return decideManifestType(document, contentType);
  } catch (error) {
    if (digest !== undefined && plain !== digest) throw mismatch(digest, plain);
    throw error;
  }
}

function mismatch(expected: Digest, actual: Digest): ContentError {
  return new ContentError(
    "content.digest-mismatch",
    `Manifest does not match provided manifest digest ${expected}`,
    { actual },
  );
}

/** @param bytes what is no manifest, where its digest is not to be doubted */
function asBadManifest<T>(read: () => T, bytes?: Uint8Array): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ContentError) || !unreadable.includes(error.code)) throw error;
    throw new ContentError("content.bad-manifest", error.message, {
      cause: error,
      ...(bytes && { bytes }),
    });
  }
}
