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
import { basename, dirname, join } from "node:path";
import { writing } from "./errors.ts";

/** What unfinished files' names begin with, as the Go library has it. */
export const unfinishedPrefix = ".tmp-";

/**
 * Puts a file in place as one step, on the disk before it has its name: after a crash there is the old one or the new. Only its
 * owner may read it.
 *
 * @throws {StorageError} `storage.unwritable`
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  using file = new PreparedFile(path, content);
  file.place();
}

/** A file that is on the disk, and has its name once it is placed. What is disposed of before that goes away. */
export class PreparedFile implements Disposable {
  readonly #path: string;
  readonly #aside: string;

  constructor(path: string, content: string | Uint8Array) {
    const random = randomBytes(6).toString("hex");
    this.#path = path;
    this.#aside = join(dirname(path), `${unfinishedPrefix}${basename(path)}${random}`);
    try {
      writing("write", path, () => writeWhole(this.#aside, content));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Replaces what is there. */
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
