import type { Descriptor } from "../core/descriptor.ts";
import { algorithmOf, type Digest, digestOf, hexOf, isDigest } from "../core/digest.ts";
import { isIndexType, mediaTypes } from "../core/media-type.ts";
import { RegistryError } from "./errors.ts";
import { fetchDocument } from "./fetch-document.ts";
import { writeManifest } from "./manifests.ts";
import { nextPage } from "./pagination.ts";
import { type RepositoryState, sendTo } from "./repository-state.ts";

const maxPageBytes = 4 * 1024 * 1024;
const maxReferrers = 10_000;
const triesToAdd = 3;

/** Where referrers are listed without the API — OCI distribution-spec § Referrers Tag Schema. */
export function referrersTag(subject: Digest): string {
  const part = (text: string, length: number) =>
    text.slice(0, length).replaceAll(/[^A-Za-z0-9._-]/g, "-");
  return `${part(algorithmOf(subject), 32)}-${part(hexOf(subject), 64)}`;
}

/**
 * The manifests that have `subject` as theirs, by the API or, where there is none, by the fallback tag; empty where there
 * are none — OCI distribution-spec § Listing Referrers.
 */
export async function readReferrers(
  state: RepositoryState,
  subject: Digest,
  options: { readonly artifactType?: string; readonly signal: AbortSignal },
): Promise<readonly Descriptor[]> {
  const { artifactType, signal } = options;
  const all =
    (await byApi(state, subject, artifactType, signal)) ?? (await byTag(state, subject, signal));
  return all.filter((item) => artifactType === undefined || item.artifactType === artifactType);
}

/** Undefined where the registry has no such API; what it answers then is anything. */
async function byApi(
  state: RepositoryState,
  subject: Digest,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<readonly Descriptor[] | undefined> {
  const { capabilities } = state;
  if (capabilities.referrers === false) return undefined;
  const query =
    artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const found: Descriptor[] = [];
  const pages = new Set<string>();
  let page: string | undefined = `/v2/${state.path}/referrers/${subject}${query}`;
  while (page !== undefined && !pages.has(page) && found.length < maxReferrers) {
    pages.add(page);
    const { reply, bytes } = await fetchDocument(state, {
      target: page,
      maxBytes: maxPageBytes,
      signal,
    });
    const items = bytes && parseReferrers(bytes);
    if (!items) {
      const told = await reply.toError(`reading referrers of ${subject} in ${state.name}`);
      if (isNoAnswer(told, capabilities.referrers === true)) throw told;
      // what is said of one repository, or once, tells nothing of the API
      if (told.entries.length === 0 && reply.status !== 500) capabilities.referrers ??= false;
      return undefined;
    }
    capabilities.referrers = true;
    found.push(...items);
    page = nextPage(reply.headers("link"), reply.url);
  }
  return found;
}

/** Whether a failure is one, and not the way in which a registry says that it has no such API: old ones have said 500. */
function isNoAnswer({ status = 0 }: RegistryError, hasApi: boolean): boolean {
  return [401, 403, 429, 502, 503, 504].includes(status) || (status === 500 && hasApi);
}

async function byTag(
  state: RepositoryState,
  subject: Digest,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const { reply, bytes } = await fetchDocument(state, {
    target: `manifests/${referrersTag(subject)}`,
    accept: mediaTypes.ociIndex,
    maxBytes: maxPageBytes,
    signal,
  });
  if (bytes) return parseReferrers(bytes) ?? [];
  if (reply.status !== 404) {
    throw await reply.toError(`reading referrers of ${subject} in ${state.name}`);
  }
  await reply.discard();
  return [];
}

/** Undefined for what is no index. */
function parseReferrers(bytes: Uint8Array): readonly Descriptor[] | undefined {
  let json: { mediaType?: unknown; manifests?: unknown };
  try {
    json = JSON.parse(Buffer.from(bytes).toString()) ?? {};
  } catch {
    return undefined;
  }
  const isIndex = json.mediaType === undefined || isIndexType(String(json.mediaType));
  if (!isIndex || !Array.isArray(json.manifests)) return undefined;
  return json.manifests.slice(0, maxReferrers).filter(isDescriptor);
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

/**
 * Adds a manifest to the fallback tag of its subject, for a registry that took no note of the subject. Nothing locks the
 * tag: it is read again to see that the entry was not lost to another writer.
 *
 * @throws {RegistryError} `registry.upload-failed` where others were faster each time
 */
export async function addReferrer(
  state: RepositoryState,
  subject: Digest,
  entry: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; attempt <= triesToAdd; attempt++) {
    const listed = await byTag(state, subject, signal);
    if (listed.some(({ digest }) => digest === entry.digest)) return;
    await writeList(state, subject, [...listed, entry], signal);
  }
  const listed = await byTag(state, subject, signal);
  if (listed.some(({ digest }) => digest === entry.digest)) return;
  throw new RegistryError(
    "registry.upload-failed",
    `listing ${entry.digest} as a referrer of ${subject} in ${state.name}: others changed the list meanwhile`,
    { retryable: true },
  );
}

/** Takes a manifest out of the fallback tag of its subject; the tag goes with its last entry. */
export async function removeReferrer(
  state: RepositoryState,
  subject: Digest,
  referrer: Digest,
  signal: AbortSignal,
): Promise<void> {
  const listed = await byTag(state, subject, signal);
  const left = listed.filter(({ digest }) => digest !== referrer);
  if (left.length === listed.length) return;
  if (left.length > 0) return writeList(state, subject, left, signal);
  const reply = await sendTo(state, {
    method: "DELETE",
    target: `manifests/${referrersTag(subject)}`,
    lane: "metadata",
    signal,
  });
  await reply.discard();
  if (!reply.ok) await writeList(state, subject, [], signal); // it does not delete tags
}

async function writeList(
  state: RepositoryState,
  subject: Digest,
  manifests: readonly Descriptor[],
  signal: AbortSignal,
): Promise<void> {
  const { ociIndex } = mediaTypes;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }));
  const index = { mediaType: ociIndex, digest: digestOf(bytes), bytes };
  await writeManifest(state, referrersTag(subject), index, signal);
}
