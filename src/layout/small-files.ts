import { readBounded } from "../stream/bounded.ts";
import type { TapeEntry } from "../stream/tar/archive-tape.ts";

/** What one file may have to be kept: as much as a manifest. */
const largest = 4 * 1024 * 1024;
const mostOfAll = 32 * 1024 * 1024;

/** Small files of an archive that were met on the way and are kept in memory, since what describes an image is small. */
export class SmallFiles {
  /** By where their content stands in the plain tar. */
  readonly #kept = new Map<number, Buffer>();
  #bytes = 0;

  /** Whether there is room for a file of this size. */
  hasRoom(size: number): boolean {
    return size <= largest && this.#bytes + size <= mostOfAll;
  }

  async keep(entry: TapeEntry): Promise<void> {
    const bytes = await readBounded(entry.content, entry.size, entry.name);
    this.#kept.set(entry.offset, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#bytes += entry.size;
  }

  at(offset: number): Buffer | undefined {
    return this.#kept.get(offset);
  }
}

/** Bytes in memory from an offset on. */
export async function* oneChunk(bytes: Buffer, from: number): AsyncGenerator<Uint8Array, void> {
  if (from < bytes.byteLength) yield bytes.subarray(from);
}
