import type { Descriptor } from "./descriptor.ts";
import { type Digest, isDigest } from "./digest.ts";
import type { RawManifest } from "./manifest.ts";
import { isIndexType } from "./media-type.ts";

interface Members {
  readonly subject?: { readonly digest?: unknown } | null;
  readonly artifactType?: unknown;
  readonly annotations?: unknown;
  readonly config?: { readonly mediaType?: unknown } | null;
}

/** What a manifest of any kind says that it is about: its subject's digest, where it has one that can be read. */
export function subjectOf(manifest: Pick<RawManifest, "bytes">): Digest | undefined {
  const digest = membersOf(manifest).subject?.digest;
  return typeof digest === "string" && isDigest(digest) ? digest : undefined;
}

/**
 * A manifest as it stands in a list of referrers: with its own artifact type, else its config's, and its annotations —
 * OCI distribution-spec § Listing Referrers.
 */
export function referrerEntry(manifest: RawManifest): Descriptor {
  const { mediaType, digest, bytes } = manifest;
  const { artifactType, annotations, config } = membersOf(manifest);
  const type = artifactType || (isIndexType(mediaType) ? undefined : config?.mediaType);
  return {
    mediaType,
    digest,
    size: bytes.byteLength,
    ...(typeof type === "string" && type !== "" && { artifactType: type }),
    ...(isTexts(annotations) && { annotations }),
  };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === "string");
}

/** Nothing of what is no JSON object: manifests are judged elsewhere. */
function membersOf({ bytes }: Pick<RawManifest, "bytes">): Members {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const value: unknown = JSON.parse(text.toString());
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
