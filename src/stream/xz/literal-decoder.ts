import type { LzmaProperties } from "./properties.ts";
import { forget, type RangeDecoder, unbiased } from "./range-decoder.ts";
import type { Window } from "./window.ts";

/** As many probabilities has each model: for a byte alone, and twice that beside one that it differs from. */
const modelSize = 0x300;

/** Bytes that are no part of a match, by the byte before them and their position. */
export class LiteralDecoder {
  readonly #models: Uint16Array;
  readonly #contextBits: number;
  readonly #placeMask: number;

  constructor({ literalContext, literalPosition }: LzmaProperties) {
    this.#models = unbiased(modelSize << (literalContext + literalPosition));
    this.#contextBits = literalContext;
    this.#placeMask = (1 << literalPosition) - 1;
  }

  /** Forgets what it learned. */
  reset(): void {
    forget(this.#models);
  }

  #model(window: Window): number {
    const context = window.last >> (8 - this.#contextBits);
    return modelSize * (((window.position & this.#placeMask) << this.#contextBits) + context);
  }

  read(range: RangeDecoder, window: Window): void {
    const from = this.#model(window);
    let node = 1;
    while (node < 0x100) node = (node << 1) | range.bit(this.#models, from + node);
    window.put(node & 0xff);
  }

  /** Behind a match it is most likely not the byte that the match would go on with: `expected`. */
  readAfterMatch(range: RangeDecoder, window: Window, expected: number): void {
    const from = this.#model(window);
    let node = 1;
    let rest = expected << 1;
    let differs = 0x100;
    while (node < 0x100) {
      const like = rest & differs;
      const bit = range.bit(this.#models, from + differs + like + node);
      node = (node << 1) | bit;
      differs &= bit === 0 ? ~like : like;
      rest <<= 1;
    }
    window.put(node & 0xff);
  }
}
