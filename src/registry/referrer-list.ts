import type { Descriptor } from "../core/descriptor.ts";
import { type Digest, digestOf, isDigest } from "../core/digest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType, mediaTypes } from "../core/media-type.ts";

/**
 * A list of referrers as somebody wrote it: an index whose members, order and entries stay as they are, those included
 * that we cannot read — OCI distribution-spec § Referrers Tag Schema.
 */
export interface ReferrerList {
  readonly members: Readonly<Record<string, unknown>>;
  readonly manifests: readonly unknown[];
}

/** What is written where there was none. */
export const emptyReferrerList: ReferrerList = {
  members: { schemaVersion: 2, mediaType: mediaTypes.ociIndex },
  manifests: [],
};

/** Undefined for what is no index. */
export function parseReferrerList(bytes: Uint8Array): ReferrerList | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const { manifests, ...members } = json as Readonly<Record<string, unknown>>;
  const { mediaType } = members;
  const isIndex = mediaType === undefined || isIndexType(String(mediaType));
  return isIndex && Array.isArray(manifests) ? { members, manifests } : undefined;
}

/** The entries that can be read, in order. */
export function descriptorsOf({ manifests }: ReferrerList): readonly Descriptor[] {
  return manifests.filter(isDescriptor);
}

/** The list with `entries` at its end; the very same where all of their digests are in it. */
export function withEntries(list: ReferrerList, entries: readonly unknown[]): ReferrerList {
  const held = new Set(list.manifests.map(digestIn));
  const added = entries.filter((entry) => !held.has(digestIn(entry)));
  return added.length === 0 ? list : { ...list, manifests: [...list.manifests, ...added] };
}

/** The list without that digest; the very same where it is not in it. */
export function withoutEntry(list: ReferrerList, digest: Digest): ReferrerList {
  const left = list.manifests.filter((entry) => digestIn(entry) !== digest);
  return left.length === list.manifests.length ? list : { ...list, manifests: left };
}

/** The entries of `before` that are not in `now`, as far as they can be read. */
export function missingEntries(before: ReferrerList, now: ReferrerList): readonly Descriptor[] {
  const held = new Set(now.manifests.map(digestIn));
  return descriptorsOf(before).filter(({ digest }) => !held.has(digest));
}

/** What is put under the tag. */
export function formatReferrerList({ members, manifests }: ReferrerList): RawManifest {
  const bytes = Buffer.from(JSON.stringify({ ...members, manifests }));
  const { mediaType } = members;
  return {
    mediaType: typeof mediaType === "string" ? mediaType : mediaTypes.ociIndex,
    digest: digestOf(bytes),
    bytes,
  };
}

function digestIn(entry: unknown): unknown {
  return typeof entry === "object" && entry !== null && "digest" in entry
    ? entry.digest
    : undefined;
}

function isDescriptor(item: unknown): item is Descriptor {
  const { mediaType, digest, size } = (item ?? {}) as Record<string, unknown>;
  return (
    typeof mediaType === "string" &&
    typeof digest === "string" &&
    isDigest(digest) &&
    Number.isSafeInteger(size)
  );
}
