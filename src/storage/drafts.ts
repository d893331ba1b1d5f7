import { dirname, join } from "node:path";
import type { StoreArea } from "./area.ts";
import { InstanceFolder } from "./instance-folder.ts";
import { PreparedFile } from "./prepared-file.ts";

/**
 * Where a store's databases and images' data are written before they have their place. Not beside it, as the Go library does,
 * but in a folder that goes with us: should we die, the next process of either kind removes it.
 */
export class Drafts implements AsyncDisposable {
  readonly #area: StoreArea;
  #folder: InstanceFolder | undefined;

  constructor(area: StoreArea) {
    this.#area = area;
  }

  /** @throws {StorageError} `storage.unwritable` */
  prepare(path: string, content: string | Uint8Array): PreparedFile {
    return new PreparedFile(path, content, this.#folderFor(path));
  }

  /** Puts a file in place as one step. @throws {StorageError} `storage.unwritable` */
  replace(path: string, content: string | Uint8Array): void {
    using file = this.prepare(path, content);
    file.place();
  }

  /** What belongs to the run root lies on a file system of its own, as a rule. */
  #folderFor(path: string): string {
    if (!path.startsWith(join(this.#area.root, "/"))) return dirname(path);
    this.#folder ??= InstanceFolder.create(join(this.#area.layers, "tmp"));
    return this.#folder.path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder?.[Symbol.asyncDispose]();
  }
}
