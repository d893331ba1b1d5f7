import { join } from "node:path";
import type { StorageDriver } from "../config/store-place.ts";
import { StorageError } from "./errors.ts";

/**
 * Where one store keeps what: its own, or an additional one that is only read. Every path that has to do with a driver carries
 * its name, so that several may share a root (spec 4).
 */
export class StoreArea {
  readonly driver: StorageDriver;
  readonly root: string;
  readonly readOnly: boolean;
  /** Where tar-split files are: in the graph root, even where images lie apart from it (`imagestore`). */
  readonly tarSplitRoot: string;

  constructor(place: {
    readonly driver: StorageDriver;
    readonly root: string;
    readonly readOnly: boolean;
    readonly tarSplitRoot?: string;
  }) {
    this.driver = place.driver;
    this.root = place.root;
    this.readOnly = place.readOnly;
    this.tarSplitRoot = place.tarSplitRoot ?? place.root;
  }

  /** The driver's own folder: nothing but layers may lie in it. */
  get home(): string {
    return join(this.root, this.driver);
  }

  get layers(): string {
    return join(this.root, `${this.driver}-layers`);
  }

  get images(): string {
    return join(this.root, `${this.driver}-images`);
  }

  get containers(): string {
    return join(this.root, `${this.driver}-containers`);
  }

  /** What is made for a layer and goes with it: of vfs, that is its tree. */
  layerFolder(id: string): string {
    const parent = this.driver === "vfs" ? join(this.home, "dir") : this.home;
    return join(parent, safeName(id));
  }

  /** The layer's files: those of its own (overlay), or the whole root file system up to it (vfs). */
  tree(id: string): string {
    return this.driver === "vfs" ? this.layerFolder(id) : join(this.layerFolder(id), "diff");
  }

  tarSplit(id: string): string {
    const folder = join(this.tarSplitRoot, `${this.driver}-layers`);
    return join(folder, `${safeName(id)}.tar-split.gz`);
  }

  layerData(id: string): string {
    return join(this.layers, safeName(id));
  }

  imageData(id: string): string {
    return join(this.images, safeName(id));
  }
}

/** Names beside those of layers and images. */
const reserved: ReadonlySet<string> = new Set(["l", "dir", "staging", "tempdirs", "tmp"]);

/**
 * An ID as a name in a folder. They come out of files that others wrote, and folders are removed by them.
 *
 * @throws {StorageError} `storage.invalid`
 */
function safeName(id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id) && !reserved.has(id)) return id;
  throw new StorageError("storage.invalid", `invalid ID in the store: ${JSON.stringify(id)}`);
}
