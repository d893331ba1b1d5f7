import type { BitReader } from "./bit-reader.ts";
import { invalid } from "./errors.ts";

/** The longest code there may be. */
export const longestCode = 20;

/** Codes up to this length are looked up in one step. */
const shortBits = 10;

/** A canonical Huffman code: shorter codes first, those of one length in the order of their symbols. */
export class Huffman {
  /** By the next {@link shortBits} bits: symbol × 32 + length, or 0 where the code is longer. */
  readonly #short = new Uint16Array(1 << shortBits);
  /** By length: the first code behind those of that length, with 20 bits; and what brings a code to its place in the order. */
  readonly #limits = new Int32Array(longestCode + 1);
  readonly #offsets = new Int32Array(longestCode + 1);
  readonly #ordered: Uint16Array;

  /** @param lengths by symbol, each 1 to 20 */
  constructor(lengths: Uint8Array) {
    this.#ordered = new Uint16Array(lengths.length);
    let code = 0;
    let placed = 0;
    for (let length = 1; length <= longestCode; length++) {
      const shift = longestCode - length;
      this.#offsets[length] = placed - (code >> shift);
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue;
        this.#ordered[placed++] = symbol;
        if (length <= shortBits) this.#enter(code, length, symbol);
        code += 1 << shift;
      }
      this.#limits[length] = code;
    }
    if (code > 1 << longestCode) throw invalid("equal symbols in Huffman tree");
  }

  #enter(code: number, length: number, symbol: number): void {
    const first = code >> (longestCode - shortBits);
    this.#short.fill(symbol * 32 + length, first, first + (1 << (shortBits - length)));
  }

  /** The next symbol. @throws {ContentError} where no code begins like this */
  read(bits: BitReader): number {
    const next = bits.peek();
    const short = this.#short[next >> (longestCode - shortBits)] ?? 0;
    if (short === 0) return this.#readLong(bits, next);
    bits.drop(short & 31);
    return short >> 5;
  }

  #readLong(bits: BitReader, next: number): number {
    for (let length = shortBits + 1; length <= longestCode; length++) {
      if (next >= (this.#limits[length] ?? 0)) continue;
      bits.drop(length);
      const place = (next >> (longestCode - length)) + (this.#offsets[length] ?? 0);
      return this.#ordered[place] ?? 0;
    }
    throw invalid("code without a symbol");
  }
}
