import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ContentError, KnownError } from "../core/errors.ts";
import { maxManifestBytes, readRawManifest } from "../core/manifest.ts";
import { mediaTypes } from "../core/media-type.ts";
import { referrerEntry, subjectOf } from "../core/subject.ts";
import { pool } from "../stream/pool.ts";
import { readSmallFile } from "./blob-file.ts";
import { nameOf } from "./entries.ts";
import { LayoutError } from "./errors.ts";
import { type LayoutEntry, type LayoutIndex, parseLayoutIndex } from "./index-file.ts";
import { blobPath, entryDigest, type LayoutPaths, readOrNewIndex } from "./layout-folder.ts";

const readsAtOnce = 8;

/** What is known of a manifest: as an entry of a list of referrers, where it has a subject. */
interface KnownManifest {
  readonly subject?: Digest;
  readonly entry?: Descriptor;
}

/**
 * What refers to what in OCI layouts. index.json names it beside the images, and its manifest names its subject; other
 * tools keep a list under a tag besides, as in registries, which counts as well. What a manifest says does not change, and
 * is read once.
 */
export class LayoutReferrers {
  readonly #known = new Map<string, KnownManifest>();

  /** Empty where the layout is not there. @throws {LayoutError} where index.json cannot be read */
  async of(
    paths: LayoutPaths,
    subject: Digest,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]> {
    const index = await readOrNewIndex(paths);
    const found = new Map<Digest, Descriptor>();
    const entries = [...(index.manifests ?? []), ...(await listUnderTag(paths, index, subject))];
    await pool(entries, readsAtOnce, signal, async (entry) => {
      const known = await this.#look(paths, entry);
      if (known.subject === subject && known.entry) found.set(known.entry.digest, known.entry);
    });
    const digests = new Set(entries.map(({ digest }) => digest));
    return [...digests].flatMap((digest) => found.get(digest as Digest) ?? []);
  }

  async #look(paths: LayoutPaths, entry: LayoutEntry): Promise<KnownManifest> {
    const key = `${paths.folder}\0${entry.digest}`;
    const known = this.#known.get(key) ?? (await read(paths, entry));
    this.#known.set(key, known);
    return known;
  }
}

/** The names in index.json, in its order; none where there is no layout. */
export async function namesInLayout(paths: LayoutPaths): Promise<readonly string[]> {
  const { manifests } = await readOrNewIndex(paths);
  return (manifests ?? []).map(nameOf).filter((name) => name !== "");
}

/** An entry whose manifest is not there, or is none, refers to nothing. */
async function read(
  paths: LayoutPaths,
  { digest, mediaType }: LayoutEntry,
): Promise<KnownManifest> {
  if (mediaType !== mediaTypes.ociManifest && mediaType !== mediaTypes.ociIndex) return {};
  try {
    const path = blobPath(paths, entryDigest(digest));
    const bytes = await readSmallFile(path, maxManifestBytes);
    const manifest = readRawManifest(bytes, { digest: digest as Digest, contentType: mediaType });
    const subject = subjectOf(manifest);
    return subject === undefined ? {} : { subject, entry: referrerEntry(manifest) };
  } catch (error) {
    if (error instanceof LayoutError || error instanceof ContentError) return {};
    throw error;
  }
}

/** The entries of the index that regctl and others keep under the tag of the fallback scheme. */
async function listUnderTag(
  paths: LayoutPaths,
  { manifests }: LayoutIndex,
  subject: Digest,
): Promise<readonly LayoutEntry[]> {
  const tag = subject.replace(":", "-");
  const tagged = (manifests ?? []).find((entry) => nameOf(entry) === tag);
  if (!tagged) return [];
  try {
    const path = blobPath(paths, entryDigest(tagged.digest));
    return parseLayoutIndex(await readSmallFile(path, maxManifestBytes)).manifests ?? [];
  } catch (error) {
    if (error instanceof KnownError) return [];
    throw error;
  }
}
