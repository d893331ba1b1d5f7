import type { StoreArea } from "./area.ts";
import { StorageError } from "./errors.ts";
import { findImage } from "./find-image.ts";
import type { ImageRecord } from "./image-record.ts";
import { chainOf } from "./layer-chain.ts";
import type { LayerRecord } from "./layer-record.ts";
import type { OpenStoreOptions } from "./open-store.ts";
import { areasOf, type StorePlace } from "./place.ts";
import { readImageData, readImages, readLayers, treeFolders } from "./read-side.ts";
import type { NewImage, NewLayer, StagedLayer, StageRequest, Store } from "./store.ts";

/** A {@link Store} on this machine's disk. */
export class ContainersStore implements Store {
  readonly place: StorePlace;
  readonly #areas: readonly StoreArea[];

  constructor(place: StorePlace, _options: OpenStoreOptions) {
    this.place = place;
    this.#areas = areasOf(place);
  }

  async images(): Promise<readonly ImageRecord[]> {
    return readImages(this.#areas);
  }

  async layers(): Promise<readonly LayerRecord[]> {
    return [...this.#layers().values()];
  }

  async findImage(text: string): Promise<ImageRecord | undefined> {
    return findImage(readImages(this.#areas), text);
  }

  async imageData(image: ImageRecord, key: string): Promise<Uint8Array | undefined> {
    return readImageData(image, key);
  }

  async hasLayer(id: string): Promise<LayerRecord | undefined> {
    return this.#layers().get(id);
  }

  async layerChain(topLayerId: string): Promise<readonly LayerRecord[]> {
    return chainOf(this.#layers(), topLayerId);
  }

  async treeFolders(layer: LayerRecord): Promise<readonly string[]> {
    return treeFolders(this.#layers(), layer);
  }

  tarSplitPath(layer: LayerRecord): string {
    return layer.area.tarSplit(layer.id);
  }

  #layers(): ReadonlyMap<string, LayerRecord> {
    return readLayers(this.#areas, this.place.runroot);
  }

  async stageLayer(_request: StageRequest): Promise<StagedLayer> {
    throw new StorageError("storage.unsupported", "not written yet");
  }

  async commitLayer(
    _staged: StagedLayer,
    _layer: NewLayer,
  ): Promise<"committed" | "already-there"> {
    throw new StorageError("storage.unsupported", "not written yet");
  }

  async putImage(_image: NewImage): Promise<void> {
    throw new StorageError("storage.unsupported", "not written yet");
  }

  async addNames(_imageId: string, _names: readonly string[]): Promise<void> {
    throw new StorageError("storage.unsupported", "not written yet");
  }

  async removeNames(_imageId: string, _names: readonly string[]): Promise<void> {
    throw new StorageError("storage.unsupported", "not written yet");
  }

  async deleteImage(_imageId: string): Promise<void> {
    throw new StorageError("storage.unsupported", "not written yet");
  }
}
