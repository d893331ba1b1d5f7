import type { StorePlace } from "../config/store-place.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageRecord } from "./image-record.ts";
import type { LayerRecord } from "./layer-record.ts";
import type { TreeCover } from "./tree-cover.ts";

/**
 * A store of containers' images, shared with podman, buildah, CRI-O and skopeo. Reading takes no locks and so is kept from
 * nothing by others, nor keeps them; each change holds the store's locks for some milliseconds. What is read may be gone a moment later.
 *
 * All throw {@link StorageError}: `storage.unreadable`, `storage.unwritable`, `storage.invalid`, and those that change
 * something `storage.busy` where a lock was not to be had, and the signal's reason.
 */
export interface Store {
  readonly place: StorePlace;

  /** The store's own images, then those of additional stores, in the files' order. */
  images(): Promise<readonly ImageRecord[]>;
  /** All whole layers, those of containers too. */
  layers(): Promise<readonly LayerRecord[]>;
  /** By its ID, else by its exact name, else by the beginning of its ID if that says which. */
  findImage(text: string): Promise<ImageRecord | undefined>;
  /** An item of the image's data: `manifest`, `manifest-<digest>`, `<config digest>`, `signatures`… */
  imageData(image: ImageRecord, key: string): Promise<Uint8Array | undefined>;
  hasLayer(id: string): Promise<LayerRecord | undefined>;
  /**
   * The layer and all below it, the lowest first.
   *
   * @throws {StorageError} `storage.parent-gone`
   */
  layerChain(topLayerId: string): Promise<readonly LayerRecord[]>;
  /**
   * Where the layer's files are to be looked for: its own tree, then those of the layers below it, nearest first; of vfs only
   * its own, which is complete.
   *
   * @throws {StorageError} `storage.unsupported` where the tree is not there as files (composefs)
   */
  treeFolders(layer: LayerRecord): Promise<readonly string[]>;
  /** The file from which, with the tree, the layer's tar is made again. */
  tarSplitPath(layer: LayerRecord): string;

  /** A place to unpack a layer into. Takes no lock of the store, so that unpacking may take its time. */
  stageLayer(): Promise<StagedLayer>;
  /** The same for several layers. */
  stagingPool(): Promise<StagingPool>;
  /**
   * Lays the tree of the layer that the staged one is to stand upon below what is there of it: for vfs, whose trees are whole, before
   * it is committed; of other drivers nothing is done.
   *
   * @returns false where the layer has to be unpacked again, upon that tree, since it takes something of it for a folder
   * @throws {StorageError} `storage.parent-gone`
   */
  layBase(staged: StagedLayer, base: LayerBase): Promise<boolean>;
  /**
   * Makes of what was staged a layer. Its files are taken out of the staged layer, which is to be disposed of all the same.
   * `already-there`: somebody was faster, and nothing was changed.
   *
   * @throws {StorageError} `storage.parent-gone`: the parent is to be made again
   */
  commitLayer(staged: StagedLayer, layer: NewLayer): Promise<"committed" | "already-there">;
  /**
   * Adds an image, or gives the one that is there other data and more names. The names are taken from images that had them.
   *
   * @throws {StorageError} `storage.parent-gone` where a layer is missing; `storage.conflict` where the image is there with
   * other layers
   */
  putImage(image: NewImage): Promise<void>;
  /** Gives an image names, which are taken from others. An image of an additional store is copied into this one for that. */
  addNames(imageId: string, names: readonly string[]): Promise<void>;
  removeNames(imageId: string, names: readonly string[]): Promise<void>;
  /**
   * Removes an image, and those of its layers that nothing else needs.
   *
   * @throws {StorageError} `storage.in-use`, before anything was changed; `storage.not-found`
   */
  deleteImage(imageId: string): Promise<void>;
}

/** What a staged layer is to stand upon. */
export interface LayerBase {
  readonly parent: string;
  /** What the layer makes of it; where it is not told, nothing was unpacked yet. */
  readonly cover?: TreeCover;
  /** Calls off the copying of the parent's tree; that of the store unless told. */
  readonly signal?: AbortSignal;
}

/** Where several layers are staged side by side. Disposing of it removes what is left of them. */
export interface StagingPool extends AsyncDisposable {
  /** All that is staged lies in these. */
  readonly folders: readonly string[];
  stageLayer(): Promise<StagedLayer>;
}

/** A layer on its way. Disposing of it removes what is left; a process that dies leaves it to the next one. */
export interface StagedLayer extends AsyncDisposable {
  /** The layer's tree: empty. */
  readonly folder: string;
  /** A path in a folder that is there, at which the tar-split file is to be made. */
  readonly tarSplit: string;
}

/** A layer that was unpacked: what its record says of it. */
export interface NewLayer {
  readonly id: string;
  readonly parent?: string | undefined;
  readonly diffId: Digest;
  /** Of the plain tar, in bytes. */
  readonly diffSize: number;
  /** The blob as it came. */
  readonly compressedDigest: Digest;
  readonly compressedSize: number;
  /** 0 none, 1 bzip2, 2 gzip, 3 xz, 4 zstd. */
  readonly compression: number;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** True where the tar said what mode and owner the root folder has; else it gets the parent's (overlay). */
  readonly rootSet: boolean;
}

/** An image whose layers are there. */
export interface NewImage {
  readonly id: string;
  readonly topLayer?: string | undefined;
  /** Whole references, the most important first. */
  readonly names: readonly string[];
  /** In the order in which they are to be recorded. */
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** Of each item that is a manifest, where that is not the hash of its bytes (schema1). */
  readonly dataDigests?: ReadonlyMap<string, Digest>;
  /** The manifest's. */
  readonly digest: Digest;
  /** JSON (spec 11.3). */
  readonly metadata: string;
  /** When the image was made, as its config has it; a text that is no time counts as absent, which stands for now. */
  readonly created?: string | undefined;
  /**
   * Asked before one of the names is taken from the image that has it: what it gives, that image is called from now on;
   * what it throws leaves all as it is.
   */
  readonly onTaking?: (holder: ImageRecord, name: string) => string | undefined;
}
