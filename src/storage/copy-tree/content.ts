import { readSync } from "node:fs";
import { copyRange, shareContent } from "../../libc/file-content.ts";
import { writeFully } from "../tar-split/gzip-file.ts";

/** What is copied in one go. */
const pieceBytes = 256 * 1024;

/** How much the kernel is asked to copy at once: some milliseconds. */
const rangeBytes = 4 * 1024 * 1024;

/** Copies files' contents: shared where the file system can, else by the kernel, else by reading and writing. */
export class ContentCopy {
  readonly #piece = Buffer.allocUnsafeSlow(pieceBytes);
  /** Not asked for again once it was refused: it is the file system's to have. */
  #shares = true;
  #ranges = true;

  /** Gives what is left to do, piece by piece; nothing for all but big files. */
  copy(from: number, to: number, size: number): Iterable<void> | undefined {
    if (size === 0) return;
    if (this.#shares) {
      this.#shares = shareContent(from, to);
      if (this.#shares) return;
    }
    if (size > pieceBytes) return this.#rest(from, to);
    // A file that somebody makes longer meanwhile is nobody's layer.
    const got = readSync(from, this.#piece, 0, pieceBytes, null);
    writeFully(to, this.#piece.subarray(0, got));
    return got === size ? undefined : this.#rest(from, to);
  }

  *#rest(from: number, to: number): Generator<void, void, void> {
    while (this.#ranges) {
      const copied = copyRange(from, to, rangeBytes);
      if (copied === undefined) this.#ranges = false;
      // Some file systems say at once that it is through: reading tells.
      else if (copied === 0) break;
      else yield;
    }
    for (;;) {
      const got = readSync(from, this.#piece, 0, pieceBytes, null);
      if (got === 0) return;
      writeFully(to, this.#piece.subarray(0, got));
      yield;
    }
  }
}
