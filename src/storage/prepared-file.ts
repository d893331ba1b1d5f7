import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fdatasyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { writing } from "./errors.ts";

/** What unfinished files' names begin with, as the Go library has it. */
const unfinishedPrefix = ".tmp-";

/**
 * A file that is on the disk, and has its name once it is placed: after a crash there is the old one or the new. What is
 * disposed of before that goes away. Only its owner may read it.
 */
export class PreparedFile implements Disposable {
  readonly #path: string;
  readonly #aside: string;

  /**
   * @param folder on the same file system, where it lies until then
   * @throws {StorageError} `storage.unwritable`
   */
  constructor(path: string, content: string | Uint8Array, folder: string) {
    const random = randomBytes(6).toString("hex");
    this.#path = path;
    this.#aside = join(folder, `${unfinishedPrefix}${basename(path)}${random}`);
    try {
      writing("write", path, () => writeWhole(this.#aside, content));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Replaces what is there, as one step. */
  place(): void {
    writing("rename", this.#path, () => renameSync(this.#aside, this.#path));
  }

  [Symbol.dispose](): void {
    rmSync(this.#aside, { force: true });
  }
}

function writeWhole(path: string, content: string | Uint8Array): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    writeFileSync(fd, content);
    fdatasyncSync(fd);
    fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
}
