import type { DockerReference } from "../../core/docker-reference.ts";
import { parseDockerReference, repositoryName } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import type { OciImageConfig } from "../../core/image-config.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { readRawManifest } from "../../core/manifest.ts";
import { isIndexType, isSchema1Type } from "../../core/media-type.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { Store } from "../../storage/store.ts";

/** An image of a store, with what is to be known of it to list it. */
export interface LocalImage {
  readonly record: ImageRecord;
  /** Absent of lists, of schema 1, and where it cannot be read. */
  readonly config: OciImageConfig | undefined;
  /** A list of images, made on this machine. */
  readonly isList: boolean;
  /** All that is kept for it, bytes; what it shares with others counts in full. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What the store has, in its order. An image that cannot be read is listed all the same. */
export async function listLocalImages(store: Store): Promise<readonly LocalImage[]> {
  const layers = new Map((await store.layers()).map((layer) => [layer.id, layer]));
  const images: LocalImage[] = [];
  for (const record of await store.images()) images.push(await look(store, record, layers));
  return images;
}

async function look(
  store: Store,
  record: ImageRecord,
  layers: ReadonlyMap<string, LayerRecord>,
): Promise<LocalImage> {
  const { config, isList } = await readParts(store, record);
  const data = [...record.dataSizes.values()].reduce((sum, size) => sum + size, 0);
  const created = Date.parse(config?.created ?? record.created);
  return {
    record,
    config,
    isList,
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

/** What the image's manifest and config say; damage there is somebody else's affair. */
async function readParts(
  store: Store,
  record: ImageRecord,
): Promise<Pick<LocalImage, "config" | "isList">> {
  try {
    return await parse(store, record);
  } catch (error) {
    if (error instanceof KnownError) return { config: undefined, isList: false };
    throw error;
  }
}

async function parse(
  store: Store,
  record: ImageRecord,
): Promise<Pick<LocalImage, "config" | "isList">> {
  const bytes = await store.imageData(record, "manifest");
  const manifest = bytes && readRawManifest(bytes);
  if (!manifest || isSchema1Type(manifest.mediaType)) return { config: undefined, isList: false };
  if (isIndexType(manifest.mediaType)) return { config: undefined, isList: true };
  const config = await store.imageData(record, parseImageManifest(manifest).config.digest);
  return { config: config && parseImageConfig(config), isList: false };
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
