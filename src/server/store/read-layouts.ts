import { opendir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type Digest, isDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { maxManifestBytes, type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { unless } from "../../layout/errors.ts";
import { type LayoutEntry, parseLayoutIndex } from "../../layout/index-file.ts";
import type { CachedBlobs } from "./cached-blobs.ts";
import { readManifestParts } from "./manifest-parts.ts";
import { putManifest } from "./put-manifest.ts";
import type { StoreParts } from "./store-parts.ts";
import { nameOfFolder } from "./store-paths.ts";

/** A repository whose layout is read. */
interface ReadingLayout {
  readonly parts: StoreParts;
  readonly cachedBlobs: CachedBlobs;
  readonly name: string;
  /** It is an upstream's. */
  readonly cached: boolean;
  readonly seen: Set<string>;
}

/** How deep indexes may be in indexes. */
const maxDepth = 8;

/**
 * Makes the database anew from the layouts below `repositories`: where it was lost, or where somebody has put layouts there
 * before the first start. What is not whole is left out; where tags stood before is lost. Repositories of other domains than
 * the server's own are taken for upstreams': they can be evicted.
 */
export async function readLayouts(parts: StoreParts, cachedBlobs: CachedBlobs): Promise<void> {
  const names: string[] = [];
  for await (const folder of layoutsBelow(parts.paths.repositories)) {
    const name = nameOfFolder(relative(parts.paths.repositories, folder));
    if (name !== undefined) names.push(name);
  }
  for (const name of names) {
    const cached = !name.startsWith(`${parts.domain}/`);
    await readLayout({ parts, cachedBlobs, name, cached, seen: new Set() });
  }
  parts.database.setWhole();
  await parts.database.durable();
}

async function* layoutsBelow(folder: string): AsyncGenerator<string, void> {
  const names: string[] = [];
  for await (const entry of await opendir(folder)) {
    if (entry.isFile() && entry.name === "oci-layout") yield folder;
    if (entry.isDirectory() && entry.name !== "blobs") names.push(entry.name);
  }
  for (const name of names) yield* layoutsBelow(join(folder, name));
}

async function readLayout(layout: ReadingLayout): Promise<void> {
  const { parts, name, seen } = layout;
  const path = join(parts.paths.layout(name), "index.json");
  const bytes = await unless(["ENOENT"], () => readFile(path));
  const entries = bytes === undefined ? [] : entriesOf(bytes);
  for (const entry of entries) {
    const tag = entry.annotations?.get("org.opencontainers.image.ref.name");
    await readEntry(layout, entry, tag, 0);
  }
  parts.report({ type: "layout-read", repository: name, manifests: seen.size });
}

function entriesOf(bytes: Buffer): readonly LayoutEntry[] {
  try {
    return parseLayoutIndex(bytes).manifests ?? [];
  } catch (error) {
    if (error instanceof KnownError) return [];
    throw error;
  }
}

type Entry = Pick<LayoutEntry, "digest" | "mediaType" | "size">;

/** What an index holds comes before it. Whatever is wrong with an entry, the others are read. */
async function readEntry(
  layout: ReadingLayout,
  { digest, mediaType, size }: Entry,
  tag: string | undefined,
  depth: number,
): Promise<void> {
  const { parts, name, seen } = layout;
  if (!isDigest(digest) || size > maxManifestBytes || depth > maxDepth) return;
  if (tag === undefined && seen.has(digest)) return;
  const bytes = await unless(["ENOENT"], () => readFile(parts.paths.blob(name, digest)));
  if (bytes === undefined) return;
  try {
    await keep(layout, readRawManifest(bytes, { digest, contentType: mediaType }), tag, depth);
    seen.add(digest);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
  }
}

async function keep(
  layout: ReadingLayout,
  manifest: RawManifest,
  tag: string | undefined,
  depth: number,
): Promise<void> {
  const { parts, name, cached } = layout;
  for (const { digest, instance } of readManifestParts(manifest).named) {
    const entry = { digest, mediaType: "", size: 0n };
    if (instance) await readEntry(layout, entry, undefined, depth + 1);
    else if (cached) await releaseBlob(layout, digest);
  }
  const sparse = { ...parts, settings: { ...parts.settings, references: "sparse" as const } };
  const put = { manifest, tags: tag === undefined ? [] : [tag] };
  await putManifest(sparse, put, { name, user: undefined, cached, at: parts.now() });
}

async function releaseBlob({ parts, cachedBlobs, name }: ReadingLayout, digest: Digest) {
  const found = await parts.blobs.stat(name, digest);
  const id = parts.records.makeRepository(name);
  if (found) cachedBlobs.release({ repository: { id, name }, digest }, found.size);
}
