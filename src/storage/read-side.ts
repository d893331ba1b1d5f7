import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { dataFileName } from "./data-name.ts";
import { reading, StorageError, unless } from "./errors.ts";
import type { ImageRecord } from "./image-record.ts";
import { ImageTable } from "./image-table.ts";
import { chainOf, wholeLayers } from "./layer-chain.ts";
import type { LayerRecord } from "./layer-record.ts";
import { LayerTable } from "./layer-table.ts";

/** All images of these areas. */
export function readImages(areas: readonly StoreArea[]): readonly ImageRecord[] {
  return areas.flatMap((area) => ImageTable.read(area).records);
}

/** All whole layers of these areas by their IDs; `runroot` is that of the first. */
export function readLayers(
  areas: readonly StoreArea[],
  runroot: string,
): ReadonlyMap<string, LayerRecord> {
  const tables = areas.map((area) => LayerTable.read(area, area.readOnly ? undefined : runroot));
  return wholeLayers(tables.flatMap(({ records }) => records));
}

/** An item of an image's data; undefined where it has none under this key. */
export function readImageData(image: ImageRecord, key: string): Uint8Array | undefined {
  const name = dataFileName(key);
  if (name === undefined) return undefined;
  const path = join(image.area.imageData(image.id), name);
  return reading("open", path, () => unless(["ENOENT"], () => readFileSync(path)));
}

/** Where a layer's files are to be looked for: its own tree, then those below. */
export function treeFolders(
  layers: ReadonlyMap<string, LayerRecord>,
  layer: LayerRecord,
): readonly string[] {
  if (layer.area.driver === "vfs") return [layer.area.tree(layer.id)];
  const chain = chainOf(layers, layer.id).toReversed();
  for (const each of chain) refuseComposefs(each);
  return chain.map((each) => each.area.tree(each.id));
}

function refuseComposefs({ area, id }: LayerRecord): void {
  const path = join(area.layerFolder(id), "composefs-data");
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw new StorageError("storage.unsupported", `layer ${id} is kept as composefs`, {
    hint: "Pull the image again with use_composefs switched off in storage.conf.",
  });
}
