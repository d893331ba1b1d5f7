import { open } from "node:fs/promises";
import type { StoreArea } from "./area.ts";
import type { Clock } from "./clock.ts";
import { commitLayer } from "./commit-layer.ts";
import { copyImageRecord } from "./copy-image-record.ts";
import { deleteImage } from "./delete-image.ts";
import { Drafts } from "./drafts.ts";
import { unwritable } from "./errors.ts";
import { hasStrayImageData, removeStrayImageData } from "./image-data.ts";
import { ImageEdit } from "./image-edit.ts";
import { ImageTable } from "./image-table.ts";
import { initStore } from "./init-store.ts";
import { chainOf, wholeLayers } from "./layer-chain.ts";
import { LayerEdit } from "./layer-edit.ts";
import { hasSpareLinks } from "./layer-files.ts";
import type { LayerRecord } from "./layer-record.ts";
import { LayerTable } from "./layer-table.ts";
import { putImage } from "./put-image.ts";
import { readLayers } from "./read-side.ts";
import { recoverLayers } from "./recover-layers.ts";
import { createStagedLayer, layBelow } from "./staged-layer.ts";
import { createStagingPool } from "./staging-pool.ts";
import type { LayerBase, NewImage, NewLayer, StagedLayer, StagingPool } from "./store.ts";
import type { LockOptions, StoreLock } from "./store-lock.ts";
import { withAllLocked, withImagesLocked, withLayersLocked } from "./store-locks.ts";
import { removeLeftovers } from "./tidy-store.ts";
import { Trash } from "./trash.ts";
import { Turns } from "./turns.ts";

/** Where a writer writes, and how. */
export interface WriterSetting {
  /** The store's own area first. */
  readonly areas: readonly [own: StoreArea, ...others: StoreArea[]];
  readonly runroot: string;
  readonly mountProgram: boolean;
  readonly userNamespace: boolean;
  readonly ignoreChownErrors: boolean;
  readonly locks: LockOptions;
  readonly clock: Clock;
}

/** All that changes a store. Loads native code: to be imported when first something is written. */
export class StoreWriter {
  readonly #setting: WriterSetting;
  readonly #own: StoreArea;
  readonly #others: readonly StoreArea[];
  readonly #turns = new Turns();

  private constructor(setting: WriterSetting) {
    const [own, ...others] = setting.areas;
    this.#setting = setting;
    this.#own = own;
    this.#others = others;
  }

  /** Makes the store where it is missing, and removes what dead writers left. */
  static async open(setting: WriterSetting): Promise<StoreWriter> {
    const writer = new StoreWriter(setting);
    await initStore(writer.#own, setting.mountProgram, setting.locks);
    await writer.#recover();
    await removeLeftovers(writer.#own);
    return writer;
  }

  async stageLayer(): Promise<StagedLayer> {
    return await createStagedLayer(this.#own, this.#setting.ignoreChownErrors);
  }

  async stagingPool(): Promise<StagingPool> {
    return await createStagingPool(this.#own, this.#setting.ignoreChownErrors);
  }

  async layBase(staged: StagedLayer, { parent: id, cover, signal }: LayerBase): Promise<boolean> {
    const parent = parentOf(this.#allLayers(), id);
    if (this.#own.driver !== "vfs" || !parent) return true;
    const { userNamespace, ignoreChownErrors, locks } = this.#setting;
    const options = { userNamespace, ignoreChownErrors, signal: signal ?? locks.signal };
    return await layBelow(staged, parent, { ...options, ...(cover && { cover }) });
  }

  async commitLayer(staged: StagedLayer, layer: NewLayer): Promise<"committed" | "already-there"> {
    await syncFile(staged.tarSplit);
    return await this.#editLayers((edit, trash) => {
      const layers = wholeLayers([...edit.records(), ...this.#otherLayers()]);
      if (layers.has(layer.id)) return "already-there";
      const parent = parentOf(layers, layer.parent);
      const { clock, ignoreChownErrors } = this.#setting;
      commitLayer(staged, layer, { edit, parent, trash, clock, ignoreChownErrors });
      return "committed";
    });
  }

  async putImage(image: NewImage): Promise<void> {
    await this.#editImages((edit) => {
      if (image.topLayer !== undefined) chainOf(this.#allLayers(), image.topLayer);
      putImage(edit, image, this.#setting.clock);
    });
  }

  async addNames(id: string, names: readonly string[]): Promise<void> {
    await this.#editImages((edit) => {
      if (edit.find(id) === undefined) return copyImageRecord(edit, id, this.#others, names);
      edit.name(id, names);
      edit.save();
    });
  }

  async removeNames(id: string, names: readonly string[]): Promise<void> {
    await this.#editImages((edit) => {
      edit.unname(id, names);
      edit.save();
    });
  }

  async deleteImage(id: string): Promise<void> {
    const { runroot, locks } = this.#setting;
    await using trash = new Trash(this.#own);
    await using drafts = new Drafts(this.#own);
    await this.#turns.run(() =>
      withAllLocked(this.#own, locks, (layersLock, imagesLock) => {
        const layers = this.#openLayers(layersLock, trash, drafts);
        const images = new ImageEdit(this.#own, imagesLock, drafts);
        deleteImage(id, { images, layers, runroot, trash });
      }),
    );
  }

  /** Only where there is something to be seen of it. Under the lock it shows whether somebody is at it right now. */
  async #recover(): Promise<void> {
    const { records } = LayerTable.read(this.#own, this.#setting.runroot);
    const isDue = records.some((layer) => layer.incomplete);
    if (isDue || hasSpareLinks(this.#own, records.length)) await this.#editLayers(() => {});
    if (hasStrayImageData(this.#own, ImageTable.read(this.#own).records))
      await this.#editImages(removeStrayImageData);
  }

  async #editLayers<T>(work: (edit: LayerEdit, trash: Trash) => T): Promise<T> {
    await using trash = new Trash(this.#own);
    await using drafts = new Drafts(this.#own);
    return await this.#turns.run(() =>
      withLayersLocked(this.#own, this.#setting.locks, (lock) =>
        work(this.#openLayers(lock, trash, drafts), trash),
      ),
    );
  }

  async #editImages(work: (edit: ImageEdit) => void): Promise<void> {
    await using drafts = new Drafts(this.#own);
    await this.#turns.run(() =>
      withImagesLocked(this.#own, this.#setting.locks, (lock) =>
        work(new ImageEdit(this.#own, lock, drafts)),
      ),
    );
  }

  #openLayers(lock: StoreLock, trash: Trash, drafts: Drafts): LayerEdit {
    const edit = new LayerEdit(this.#own, this.#setting.runroot, lock, drafts);
    recoverLayers(edit, trash);
    return edit;
  }

  #allLayers(): ReadonlyMap<string, LayerRecord> {
    return readLayers(this.#setting.areas, this.#setting.runroot);
  }

  #otherLayers(): readonly LayerRecord[] {
    return this.#others.flatMap((area) => LayerTable.read(area).records);
  }
}

function parentOf(
  layers: ReadonlyMap<string, LayerRecord>,
  id: string | undefined,
): LayerRecord | undefined {
  return id === undefined ? undefined : chainOf(layers, id).at(-1);
}

/** On the disk before the lock is taken, so that nobody waits for the disk. */
async function syncFile(path: string): Promise<void> {
  try {
    await using file = await open(path, "r+");
    await file.datasync();
  } catch (error) {
    throw unwritable(error, "open", path);
  }
}
