import type { StorePlace } from "../config/store-place.ts";
import type { StoreArea } from "./area.ts";
import { findImage } from "./find-image.ts";
import type { ImageRecord } from "./image-record.ts";
import { chainOf } from "./layer-chain.ts";
import type { LayerRecord } from "./layer-record.ts";
import { readImageData, readImages, readLayers, treeFolders } from "./read-side.ts";
import type { LayerBase, NewImage, NewLayer, StagedLayer, StagingPool, Store } from "./store.ts";
import type { StoreWriter } from "./store-writer.ts";

/** A {@link Store} on this machine's disk. */
export class ContainersStore implements Store {
  readonly place: StorePlace;
  readonly #areas: readonly StoreArea[];
  readonly #writer: StoreWriter | undefined;

  constructor(place: StorePlace, areas: readonly StoreArea[], writer: StoreWriter | undefined) {
    this.place = place;
    this.#areas = areas;
    this.#writer = writer;
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

  async stageLayer(): Promise<StagedLayer> {
    return await this.#forWriting().stageLayer();
  }

  async stagingPool(): Promise<StagingPool> {
    return await this.#forWriting().stagingPool();
  }

  async layBase(staged: StagedLayer, base: LayerBase): Promise<boolean> {
    return await this.#forWriting().layBase(staged, base);
  }

  async commitLayer(staged: StagedLayer, layer: NewLayer): Promise<"committed" | "already-there"> {
    return await this.#forWriting().commitLayer(staged, layer);
  }

  async putImage(image: NewImage): Promise<void> {
    await this.#forWriting().putImage(image);
  }

  async addNames(imageId: string, names: readonly string[]): Promise<void> {
    await this.#forWriting().addNames(imageId, names);
  }

  async removeNames(imageId: string, names: readonly string[]): Promise<void> {
    await this.#forWriting().removeNames(imageId, names);
  }

  async deleteImage(imageId: string): Promise<void> {
    await this.#forWriting().deleteImage(imageId);
  }

  #forWriting(): StoreWriter {
    if (this.#writer) return this.#writer;
    throw new TypeError("The store was opened for reading only");
  }
}
