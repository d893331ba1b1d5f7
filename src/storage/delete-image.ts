import { rmSync } from "node:fs";
import { doomedLayers } from "./doomed-layers.ts";
import { StorageError, writing } from "./errors.ts";
import type { ImageEdit } from "./image-edit.ts";
import { incomplete, type LayerEdit } from "./layer-edit.ts";
import { removeLayerFiles } from "./layer-files.ts";
import { mountedLayers } from "./mounts.ts";
import { readContainers } from "./read-containers.ts";
import type { Trash } from "./trash.ts";

/** The databases of a store, all under their exclusive locks. */
export interface DeleteScene {
  readonly images: ImageEdit;
  readonly layers: LayerEdit;
  readonly runroot: string;
  readonly trash: Trash;
}

/**
 * Removes an image and the layers that only it needs.
 *
 * @throws {StorageError} `storage.not-found`; `storage.in-use`, before anything was changed
 */
export function deleteImage(id: string, scene: DeleteScene): void {
  const { images, layers, runroot } = scene;
  const { area } = images;
  const image = images.find(id);
  if (image === undefined)
    throw new StorageError("storage.not-found", "identifier is not an image");
  const containers = readContainers(area, runroot);
  const user = containers.find((container) => container.image === id);
  if (user)
    throw inUse(`image used by ${user.id}: image is in use by a container`, "Remove the container");
  const others = images.records().filter((other) => other.id !== id);
  const doomed = doomedLayers(image, { images: others, layers: layers.records(), containers });
  const [mounted] = mountedLayers(area, runroot, doomed);
  if (mounted) throw inUse(`layer ${mounted} of the image is mounted`, "Unmount the image");
  images.drop(id);
  images.save();
  const data = area.imageData(id);
  writing("unlink", data, () => rmSync(data, { recursive: true, force: true }));
  removeLayers(new Set(doomed), scene);
}

function removeLayers(ids: ReadonlySet<string>, { layers, trash }: DeleteScene): void {
  if (ids.size === 0) return;
  layers.change(ids, { flags: incomplete });
  layers.save();
  for (const id of ids) removeLayerFiles(layers.area, id, trash);
  layers.drop(ids);
  layers.save();
}

function inUse(message: string, what: string): StorageError {
  return new StorageError("storage.in-use", message, { hint: `${what} first.` });
}
