import { chunksInUse } from "../../stream/blob-stream.ts";

/** A multiple of 512, as all files of a tar begin at one: their checksums can then be made word by word. */
const chunkBytes = 1024 * 1024;

/** Chunks being filled one after the other, in memory that goes round as {@link chunksInUse} allows. */
export class ChunkRing {
  readonly #ring: Buffer[] = [];
  #turn = 0;
  #begin: number;
  #end: number;

  /** @param from where in the stream the first chunk begins: it is cut so that the others are aligned */
  constructor(from: number) {
    this.#begin = from % 512;
    this.#end = this.#begin;
  }

  get isFull(): boolean {
    return this.#end === chunkBytes;
  }

  get isEmpty(): boolean {
    return this.#end === this.#begin;
  }

  /** The room that is left, at most `most` bytes of it; {@link add} tells how much was filled. */
  room(most: number): Buffer {
    return this.#memory().subarray(this.#end, Math.min(chunkBytes, this.#end + most));
  }

  add(bytes: number): void {
    this.#end += bytes;
  }

  /** Copies of `bytes` what there is room for, from `at` on. @returns how many */
  copy(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + chunkBytes - this.#end);
    this.#memory().set(part, this.#end);
    this.#end += part.byteLength;
    return part.byteLength;
  }

  /** What was filled; then comes the next chunk. */
  take(): Uint8Array {
    const chunk = this.#memory().subarray(this.#begin, this.#end);
    this.#turn = (this.#turn + 1) % chunksInUse;
    this.#begin = 0;
    this.#end = 0;
    return chunk;
  }

  #memory(): Buffer {
    const memory = this.#ring[this.#turn] ?? Buffer.allocUnsafeSlow(chunkBytes);
    this.#ring[this.#turn] = memory;
    return memory;
  }
}
