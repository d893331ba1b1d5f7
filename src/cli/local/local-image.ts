import type { Digest } from "../../core/digest.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import { parseDockerReference, repositoryName } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import type { OciImageConfig } from "../../core/image-config.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { readRawManifest } from "../../core/manifest.ts";
import { isIndexType, isSchema1Type } from "../../core/media-type.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { Store } from "../../storage/store.ts";
import { type FamilyMember, ImageFamily } from "./image-family.ts";

/** An image of a store, with what is to be known of it to list it. */
export interface LocalImage {
  readonly record: ImageRecord;
  /** Absent of lists, of schema 1, and where it cannot be read. */
  readonly config: OciImageConfig | undefined;
  /** A list of images, made on this machine. */
  readonly isList: boolean;
  /** Nameless, no other image was made of it, and no list has it. */
  readonly isDangling: boolean;
  /** Nameless, and another image was made of it by one more step. */
  readonly isIntermediate: boolean;
  /** All that is kept for it, bytes; what it shares with others counts in full. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What the store has, in its order. An image that cannot be read is listed all the same. */
export async function listLocalImages(store: Store): Promise<readonly LocalImage[]> {
  const layers = new Map((await store.layers()).map((layer) => [layer.id, layer]));
  const seen: SeenImage[] = [];
  for (const record of await store.images()) seen.push(await look(store, record, layers));
  const family = new ImageFamily(seen);
  const listed = new Set(seen.flatMap(({ instances }) => instances));
  return seen.map((image) => {
    const { names, digest } = image.record;
    const isIntermediate = names.length === 0 && family.hasChildren(image);
    const isListed = digest !== undefined && listed.has(digest);
    const isDangling = names.length === 0 && !isIntermediate && !isListed;
    return { ...image, isIntermediate, isDangling };
  });
}

/** An image by itself. */
interface SeenImage extends Omit<LocalImage, "isDangling" | "isIntermediate">, FamilyMember {
  /** Of a list. */
  readonly instances: readonly Digest[];
}

async function look(
  store: Store,
  record: ImageRecord,
  layers: ReadonlyMap<string, LayerRecord>,
): Promise<SeenImage> {
  const parts = await readParts(store, record);
  const data = [...record.dataSizes.values()].reduce((sum, size) => sum + size, 0);
  const created = Date.parse(parts.config?.created ?? record.created);
  return {
    record,
    ...parts,
    parentLayer: record.topLayer === undefined ? undefined : layers.get(record.topLayer)?.parent,
    size: data + layersSize(record.topLayer, layers),
    created: Number.isNaN(created) ? 0 : created,
  };
}

function layersSize(top: string | undefined, layers: ReadonlyMap<string, LayerRecord>): number {
  let size = 0;
  const seen = new Set<string>();
  for (let id = top; id !== undefined && !seen.has(id); ) {
    seen.add(id);
    const layer = layers.get(id);
    size += Math.max(0, layer?.diffSize ?? 0);
    id = layer?.parent;
  }
  return size;
}

type Parts = Pick<SeenImage, "config" | "isList" | "instances">;

const nothing: Parts = { config: undefined, isList: false, instances: [] };

/** What the image's manifest and config say; damage there is somebody else's affair. */
async function readParts(store: Store, record: ImageRecord): Promise<Parts> {
  try {
    return await parse(store, record);
  } catch (error) {
    if (error instanceof KnownError) return nothing;
    throw error;
  }
}

async function parse(store: Store, record: ImageRecord): Promise<Parts> {
  const bytes = await store.imageData(record, "manifest");
  const manifest = bytes && readRawManifest(bytes);
  if (!manifest || isSchema1Type(manifest.mediaType)) return nothing;
  if (isIndexType(manifest.mediaType)) {
    const instances = parseIndexManifest(manifest).instances.map(({ digest }) => digest);
    return { config: undefined, isList: true, instances };
  }
  const config = await store.imageData(record, parseImageManifest(manifest).config.digest);
  return { ...nothing, config: config && parseImageConfig(config) };
}

/** A name of an image, read; undefined for one that is none, which other tools should not have written. */
export function parseName(name: string): DockerReference | undefined {
  try {
    return parseDockerReference(name);
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}

/** `repository@digest` for every repository it has a name in and every digest it is known by, sorted. */
export function repoDigests({ names, digests }: ImageRecord): readonly string[] {
  const repositories = names.flatMap((name) => {
    const reference = parseName(name);
    return reference ? [repositoryName(reference)] : [];
  });
  const all = repositories.flatMap((name) => digests.map((digest) => `${name}@${digest}`));
  return [...new Set(all)].toSorted();
}
