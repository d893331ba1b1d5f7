import { randomBytes } from "node:crypto";
import { constants, openSync, readSync, unlinkSync } from "node:fs";
import { closeFile, openInRoot } from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { writeFully } from "../tar-split/gzip-file.ts";
import type { Extent } from "../tar-split/rewrite.ts";
import { kernelPath } from "./folders.ts";

/** Payloads that the tree is about to lose, in a file without a name. */
export class SavedPayloads {
  readonly fd: number;
  readonly #extents = new Map<number, Extent>();
  #length = 0;

  /** @param fd an empty file, open for reading and writing */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** By the lines of the tar-split that name them. */
  get lines(): ReadonlyMap<number, Extent> {
    return this.#extents;
  }

  /** Copies the file at a path that no link is on. @throws {SystemCallError} */
  save(line: number, root: number, path: ByteString): void {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const file = openInRoot(root, kernelPath(path), { flags, noSymlinks: true });
    if (file < 0) throw new SystemCallError("openat2", -file, path);
    try {
      this.#extents.set(line, this.#copy(file));
    } finally {
      closeFile(file);
    }
  }

  #copy(file: number): Extent {
    const offset = this.#length;
    const piece = Buffer.allocUnsafeSlow(64 * 1024);
    for (;;) {
      const got = readSync(file, piece, 0, piece.byteLength, null);
      if (got === 0) return { offset, length: this.#length - offset };
      writeFully(this.fd, piece.subarray(0, got), this.#length);
      this.#length += got;
    }
  }
}

const anonymous = 0o20200000;

/** A file without a name in a folder, for reading and writing. */
export function openAnonymous(folder: string): number {
  try {
    return openSync(folder, anonymous | constants.O_RDWR, 0o600);
  } catch (error) {
    const known = error instanceof Error && "code" in error;
    // Network file systems, and overlayfs before Linux 6.3; where O_TMPFILE is unknown, a folder is what was to be opened.
    if (!known || (error.code !== "ENOTSUP" && error.code !== "EISDIR")) throw error;
  }
  const path = `${folder}/.unpack-${randomBytes(12).toString("hex")}`;
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}
