import { lstatSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { unless, writing } from "./errors.ts";
import { InstanceFolder } from "./instance-folder.ts";

/**
 * Where trees go that are removed: moved out of the way under the store's lock, which is quick, and removed when that is given
 * back, which may not be. Should we die meanwhile, the next process does it.
 */
export class Trash implements AsyncDisposable {
  readonly #parent: string;
  #folder: InstanceFolder | undefined;
  #count = 0;

  constructor(area: StoreArea) {
    this.#parent = join(area.home, "tempdirs");
  }

  /** Takes a file or folder; one that is not there is gone already. @throws {StorageError} `storage.unwritable` */
  take(path: string): void {
    writing("rename", path, () => {
      if (unless(["ENOENT"], () => lstatSync(path)) === undefined) return;
      this.#folder ??= InstanceFolder.create(this.#parent);
      renameSync(path, join(this.#folder.path, `${this.#count++}-removal`));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder?.[Symbol.asyncDispose]();
  }
}
