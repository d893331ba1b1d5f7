import type { Block } from "./block.ts";

/** Four equal bytes are followed by a count of how many more there are. */
const runBytes = 4;

/** Gives a block's bytes, its first run-length coding undone, as far as there is room for them. */
export class Runs {
  #block: Block;
  #at: number;
  #left: number;
  #last = -1;
  #equal = 0;
  #repeats = 0;

  constructor(block: Block) {
    this.#block = block;
    this.#at = block.first;
    this.#left = block.length;
  }

  /** Fills `output`, and tells how far; less than all of it at the end of the block. */
  fill(output: Uint8Array): number {
    let filled = 0;
    while (filled < output.byteLength) {
      if (this.#repeats > 0) filled = this.#repeat(output, filled);
      else if (this.#left === 0) break;
      else filled = this.#step(output, filled);
    }
    return filled;
  }

  #repeat(output: Uint8Array, from: number): number {
    const to = Math.min(output.byteLength, from + this.#repeats);
    output.fill(this.#last, from, to);
    this.#repeats -= to - from;
    return to;
  }

  /** Takes bytes until there is no room, or a run's count was read. */
  #step(output: Uint8Array, from: number): number {
    const { chain } = this.#block;
    let at = this.#at;
    let left = this.#left;
    let last = this.#last;
    let equal = this.#equal;
    let filled = from;
    while (left > 0 && filled < output.byteLength) {
      const entry = chain[at] ?? 0;
      const byte = entry & 0xff;
      at = entry >>> 8;
      left -= 1;
      if (equal === runBytes) {
        this.#repeats = byte;
        equal = 0;
        break;
      }
      equal = byte === last ? equal + 1 : 1;
      last = byte;
      output[filled++] = byte;
    }
    this.#at = at;
    this.#left = left;
    this.#last = last;
    this.#equal = equal;
    return filled;
  }
}
