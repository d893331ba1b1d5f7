import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { TarTime } from "../../stream/tar/fields.ts";

const chunkBytes = 256 * 1024;

/** `f64` seconds, `u32` nanoseconds, `u32` length of the path, and the path. */
const fixedBytes = 16;

/**
 * The times of folders, to be set when nothing is made in them any more. Kept as bytes: a tar may have millions of folders, and
 * as objects they take five times the memory.
 */
export class DirectoryTimes {
  readonly #chunks: Buffer[] = [];
  #filled = chunkBytes;

  add(path: ByteString, time: TarTime): void {
    const length = fixedBytes + path.length;
    if (this.#filled + length > chunkBytes) this.#begin();
    const chunk = this.#chunks.at(-1) as Buffer;
    chunk.writeDoubleLE(time.seconds, this.#filled);
    chunk.writeUInt32LE(time.nanoseconds, this.#filled + 8);
    chunk.writeUInt32LE(path.length, this.#filled + 12);
    chunk.write(path, this.#filled + fixedBytes, "latin1");
    this.#filled += length;
  }

  /** What is left of a chunk has the length 2^32-1. */
  #begin(): void {
    const last = this.#chunks.at(-1);
    if (last && this.#filled + fixedBytes <= chunkBytes) {
      last.writeUInt32LE(0xffffffff, this.#filled + 12);
    }
    this.#chunks.push(Buffer.allocUnsafeSlow(chunkBytes));
    this.#filled = 0;
  }

  /** Each in the order it was added; one that was added twice comes twice. */
  forEach(take: (path: ByteString, time: TarTime) => void): void {
    for (const chunk of this.#chunks) {
      const end = chunk === this.#chunks.at(-1) ? this.#filled : chunkBytes;
      for (let at = 0; at + fixedBytes <= end; ) {
        const length = chunk.readUInt32LE(at + 12);
        if (length === 0xffffffff) break;
        const start = at + fixedBytes;
        const time = {
          seconds: chunk.readDoubleLE(at),
          nanoseconds: chunk.readUInt32LE(at + 8),
        };
        take(chunk.toString("latin1", start, start + length), time);
        at = start + length;
      }
    }
  }
}
