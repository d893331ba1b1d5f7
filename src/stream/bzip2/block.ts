import type { BitReader } from "./bit-reader.ts";
import { invalid } from "./errors.ts";
import type { Huffman } from "./huffman.ts";
import { readTables } from "./tables.ts";

/** So many symbols are coded by one table. */
const groupLength = 50;

/** As in bzip2 itself. */
const longestRun = 2 * 1024 * 1024;

/**
 * A block, decoded up to the Burrows–Wheeler transform. Each entry of {@link chain} has a byte in its low eight bits, and above
 * it the place of the entry behind it.
 */
export class Block {
  chain = new Int32Array(0);
  length = 0;
  /** The place of the entry before the first one. */
  first = 0;
  crc = 0;
  readonly #counts = new Int32Array(256);
  readonly #front = new Uint8Array(256);

  #capacity = 0;

  /** How many bytes there may be before the first run-length coding is undone. */
  get capacity(): number {
    return this.#capacity;
  }

  set capacity(bytes: number) {
    this.#capacity = bytes;
    if (bytes > this.chain.length) this.chain = new Int32Array(bytes);
  }

  /** Reads what follows a block's magic number. @throws {ContentError} what is wrong with it @throws {OutOfBits} */
  read(bits: BitReader): void {
    this.crc = bits.readWord();
    if (bits.read(1) === 1) throw invalid("deprecated randomized files");
    const origin = bits.read(24);
    const { symbols, tables, selectors } = readTables(bits);
    this.#front.set(symbols);
    this.#counts.fill(0);
    this.length = 0;
    this.#readSymbols(bits, tables, selectors, symbols.length + 1);
    if (origin >= this.length) throw invalid("origPtr out of bounds");
    this.#link();
    this.first = (this.chain[origin] ?? 0) >>> 8;
  }

  #readSymbols(
    bits: BitReader,
    tables: readonly Huffman[],
    selectors: Uint8Array,
    last: number,
  ): void {
    let run = 0;
    let weight = 1;
    for (const selector of selectors) {
      const table = tables[selector] as Huffman;
      for (let left = groupLength; left > 0; left--) {
        const symbol = table.read(bits);
        if (symbol < 2) {
          run = longer(run, weight << symbol);
          weight <<= 1;
          continue;
        }
        if (run > 0) this.#repeat(run);
        if (symbol === last) return;
        run = 0;
        weight = 1;
        this.#put(symbol - 1);
      }
    }
    throw invalid("insufficient selector indices for number of symbols");
  }

  #repeat(count: number): void {
    const end = this.length + count;
    if (end > this.#capacity) throw invalid("repeats past end of block");
    const byte = this.#front[0] ?? 0;
    if (count > 32) this.chain.fill(byte, this.length, end);
    else for (let at = this.length; at < end; at++) this.chain[at] = byte;
    this.#counts[byte] = (this.#counts[byte] ?? 0) + count;
    this.length = end;
  }

  /** Moves the byte at a place to the front, and takes it. */
  #put(place: number): void {
    if (this.length >= this.#capacity) throw invalid("data exceeds block size");
    const front = this.#front;
    const byte = front[place] ?? 0;
    if (place < 16) for (let at = place; at > 0; at--) front[at] = front[at - 1] ?? 0;
    else front.copyWithin(1, 0, place);
    front[0] = byte;
    this.chain[this.length++] = byte;
    this.#counts[byte] = (this.#counts[byte] ?? 0) + 1;
  }

  /** Undoes the transform: sorted by their bytes, the entries point to each other. */
  #link(): void {
    const places = this.#counts;
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      const count = places[byte] ?? 0;
      places[byte] = sum;
      sum += count;
    }
    const { chain, length } = this;
    for (let at = 0; at < length; at++) {
      const byte = (chain[at] ?? 0) & 0xff;
      const place = places[byte] ?? 0;
      places[byte] = place + 1;
      chain[place] = (chain[place] ?? 0) | (at << 8);
    }
  }
}

function longer(run: number, by: number): number {
  if (run + by > longestRun) throw invalid("repeat count too large");
  return run + by;
}
