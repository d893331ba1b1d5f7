import { join } from "node:path";
import type { LockKind } from "../libc/record-lock.ts";
import type { StoreArea } from "./area.ts";
import { type LockOptions, StoreLock } from "./store-lock.ts";

/**
 * Runs `work` while the layers are locked for us alone. As long as any lock of a store is held no podman starts: `work` cannot
 * wait for anything.
 *
 * Here and below, locks are taken in the order that all tools keep: layers, images, containers. Additional stores are
 * not locked: they are only read, file by file.
 *
 * @throws {StorageError} `storage.busy`
 */
export async function withLayersLocked<T>(
  area: StoreArea,
  options: LockOptions,
  work: (layers: StoreLock) => T,
): Promise<T> {
  using layers = await takeLayers(area, "exclusive", options);
  return work(layers);
}

/** The images for us alone, while no layer comes or goes. */
export async function withImagesLocked<T>(
  area: StoreArea,
  options: LockOptions,
  work: (images: StoreLock) => T,
): Promise<T> {
  using _layers = await takeLayers(area, "shared", options);
  using images = await takeImages(area, options);
  return work(images);
}

/** All for us alone. */
export async function withAllLocked<T>(
  area: StoreArea,
  options: LockOptions,
  work: (layers: StoreLock, images: StoreLock) => T,
): Promise<T> {
  using layers = await takeLayers(area, "exclusive", options);
  using images = await takeImages(area, options);
  const path = join(area.containers, "containers.lock");
  using _containers = await StoreLock.take(path, "exclusive", options);
  return work(layers, images);
}

function takeLayers(area: StoreArea, kind: LockKind, options: LockOptions): Promise<StoreLock> {
  return StoreLock.take(join(area.layers, "layers.lock"), kind, options);
}

function takeImages(area: StoreArea, options: LockOptions): Promise<StoreLock> {
  return StoreLock.take(join(area.images, "images.lock"), "exclusive", options);
}
