import { forget, type RangeDecoder, unbiased } from "./range-decoder.ts";

const slotBits = 6;
const alignBits = 4;

/** Slots below the first are distances; from the second on, most bits are not modelled. */
const firstSlot = 4;
const directSlot = 14;

/** How far back a match is, less one: a slot, which is its upper bits, and the lower ones. */
export class DistanceDecoder {
  readonly #slots = unbiased(4 << slotBits);
  readonly #middle = unbiased(128);
  readonly #align = unbiased(1 << alignBits);

  /** Forgets what it learned. */
  reset(): void {
    [this.#slots, this.#middle, this.#align].forEach(forget);
  }

  /** @param length the match's: short ones are seldom far back. @returns 32 bits, as a signed number */
  read(range: RangeDecoder, length: number): number {
    const slot = range.tree(this.#slots, Math.min(length - 2, 3) << slotBits, slotBits);
    if (slot < firstSlot) return slot;
    const lower = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) << lower;
    if (slot < directSlot) return base + range.reverseTree(this.#middle, base - slot, lower);
    const upper = range.direct(lower - alignBits) << alignBits;
    return base + upper + range.reverseTree(this.#align, 0, alignBits);
  }
}
