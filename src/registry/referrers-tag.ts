import { algorithmOf, type Digest, digestOf, hexOf } from "../core/digest.ts";
import { acceptedManifestTypes } from "../core/media-type.ts";
import { RegistryError } from "./errors.ts";
import { fetchDocument } from "./fetch-document.ts";
import { writeManifest } from "./manifests.ts";
import {
  emptyReferrerList,
  formatReferrerList,
  parseReferrerList,
  type ReferrerList,
} from "./referrer-list.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";

/** Where referrers are listed without the API — OCI distribution-spec § Referrers Tag Schema. */
export function referrersTag(subject: Digest): string {
  const part = (text: string, length: number) =>
    text.slice(0, length).replaceAll(/[^A-Za-z0-9._-]/g, "-");
  return `${part(algorithmOf(subject), 32)}-${part(hexOf(subject), 64)}`;
}

/** What stands under the tag; the digest is absent where nothing does. */
export interface TaggedList {
  readonly list: ReferrerList;
  readonly digest?: Digest;
}

/**
 * Reads the list to be changed: whatever stands there, of any type.
 *
 * @throws {RegistryError} `registry.bad-response` for what is no list, which is then not written over
 * @throws {ContentError} `content.too-large`
 */
export async function readTaggedList(
  state: RepositoryState,
  subject: Digest,
  signal: AbortSignal,
): Promise<TaggedList> {
  const bytes = await fetchTag(state, subject, acceptedManifestTypes.join(", "), signal);
  if (!bytes) return { list: emptyReferrerList };
  const list = parseReferrerList(bytes);
  if (list) return { list, digest: digestOf(bytes) };
  throw new RegistryError(
    "registry.bad-response",
    `${state.name}:${referrersTag(subject)} is no list of referrers of ${subject}, and is left as it is`,
    { hint: "Give what stands under that tag another one: the tag is reserved for the list" },
  );
}

/** The bytes under the tag; undefined where nothing is. */
export async function fetchTag(
  state: RepositoryState,
  subject: Digest,
  accept: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { reply, bytes } = await fetchDocument(state, {
    target: `manifests/${referrersTag(subject)}`,
    accept,
    maxBytes: state.channel.limits.manifestBytes,
    signal,
  });
  if (bytes) return bytes;
  if (reply.status !== 404) {
    throw await reply.toError(`reading referrers of ${subject} in ${state.name}`);
  }
  await reply.discard();
  return undefined;
}

/**
 * Puts a list in the place of another, only of that one where the registry heeds conditions.
 *
 * @throws {RegistryError} `registry.changed`; `registry.upload-failed`, before it is sent, where it is too large for one
 */
export async function writeTaggedList(
  state: RepositoryState,
  subject: Digest,
  list: ReferrerList,
  instead: TaggedList,
  signal: AbortSignal,
): Promise<void> {
  const manifest = formatReferrerList(list);
  const { manifestBytes } = state.channel.limits;
  if (manifest.bytes.byteLength > manifestBytes) {
    throw new RegistryError(
      "registry.upload-failed",
      `the list of referrers of ${subject} in ${state.name} would have ${manifest.bytes.byteLength} bytes, and manifests have ${manifestBytes} at most`,
      { hint: "Delete referrers that are not needed, or use a registry with the referrers API" },
    );
  }
  const options = { signal, instead: instead.digest ?? "nothing" } as const;
  await writeManifest(state, referrersTag(subject), manifest, options);
}

/** Removes the tag. @returns whether the registry does that */
export async function deleteTaggedList(
  state: RepositoryState,
  subject: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  const reply = await sendTo(state, {
    method: "DELETE",
    target: `manifests/${referrersTag(subject)}`,
    lane: "metadata",
    signal,
  });
  await reply.discard();
  return reply.ok;
}
