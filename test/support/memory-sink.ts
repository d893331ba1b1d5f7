import type { RandomAccess } from "../../src/stream/random-access.ts";
import type { ArchiveSink } from "../../src/stream/tar/archive-writer.ts";

/** An archive's sink in memory: `bytes()` is what was written so far. */
export class MemorySink implements ArchiveSink {
  readonly seeks: boolean;
  #bytes = Buffer.alloc(0);
  /** How many writes there were. */
  writes = 0;

  constructor(options: { readonly seeks: boolean }) {
    this.seeks = options.seeks;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.writes++;
    if (!this.seeks && position !== this.#bytes.byteLength) throw new Error("it does not seek");
    const copy = Buffer.from(bytes);
    await Promise.resolve();
    const end = position + copy.byteLength;
    if (end > this.#bytes.byteLength) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(end - this.#bytes.byteLength)]);
    }
    copy.copy(this.#bytes, position);
  }

  bytes(): Buffer {
    return this.#bytes;
  }
}

/** Bytes in memory, read like a file. */
export function memoryFile(bytes: Buffer): RandomAccess & { readonly reads: () => number } {
  let reads = 0;
  return {
    size: bytes.byteLength,
    async read(into, position) {
      reads++;
      return bytes.copy(into, 0, position);
    },
    reads: () => reads,
  };
}
