import { forget, type RangeDecoder, unbiased } from "./range-decoder.ts";

const shortest = 2;
const eight = 8;

/** How long a match is: 2 to 9, 10 to 17 or 18 to 273, the shorter ones by where it stands. */
export class LengthDecoder {
  readonly #choices = unbiased(2);
  readonly #low = unbiased(16 * eight);
  readonly #middle = unbiased(16 * eight);
  readonly #high = unbiased(256);

  /** Forgets what it learned. */
  reset(): void {
    [this.#choices, this.#low, this.#middle, this.#high].forEach(forget);
  }

  /** @param place the lowest bits of the position */
  read(range: RangeDecoder, place: number): number {
    if (range.bit(this.#choices, 0) === 0) {
      return shortest + range.tree(this.#low, place * eight, 3);
    }
    if (range.bit(this.#choices, 1) === 0) {
      return shortest + eight + range.tree(this.#middle, place * eight, 3);
    }
    return shortest + 2 * eight + range.tree(this.#high, 0, 8);
  }
}
