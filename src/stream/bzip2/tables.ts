import type { BitReader } from "./bit-reader.ts";
import { invalid } from "./errors.ts";
import { Huffman, longestCode } from "./huffman.ts";

/** How a block's symbols are coded. */
export interface Tables {
  /** The bytes that occur, in order. */
  readonly symbols: Uint8Array;
  readonly tables: readonly Huffman[];
  /** The table of each group of symbols. */
  readonly selectors: Uint8Array;
}

/** Reads them: bitmaps of the bytes that occur, the selectors, then each table's code lengths, as differences. */
export function readTables(bits: BitReader): Tables {
  const symbols = readSymbols(bits);
  if (symbols.length === 0) throw invalid("no symbols in input");
  const count = bits.read(3);
  if (count < 2 || count > 6) throw invalid("invalid number of Huffman trees");
  const selectors = readSelectors(bits, count);
  const tables = Array.from({ length: count }, () => readTable(bits, symbols.length + 2));
  if (selectors.length === 0) throw invalid("no tree selectors given");
  return { symbols, tables, selectors };
}

function readSymbols(bits: BitReader): Uint8Array {
  const found: number[] = [];
  const ranges = bits.read(16);
  for (let range = 0; range < 16; range++) {
    if (((ranges << range) & 0x8000) === 0) continue;
    const present = bits.read(16);
    for (let at = 0; at < 16; at++) if ((present << at) & 0x8000) found.push(range * 16 + at);
  }
  return Uint8Array.from(found);
}

/** Each is a place in a list whose entries go to the front when they are named. */
function readSelectors(bits: BitReader, count: number): Uint8Array {
  const selectors = new Uint8Array(bits.read(15));
  const front = Array.from({ length: count }, (_, table) => table);
  for (let at = 0; at < selectors.length; at++) {
    let place = 0;
    while (bits.read(1) === 1) {
      if (++place >= count) throw invalid("tree index too large");
    }
    const [table = 0] = front.splice(place, 1);
    front.unshift(table);
    selectors[at] = table;
  }
  return selectors;
}

function readTable(bits: BitReader, symbols: number): Huffman {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > longestCode) throw invalid("Huffman length out of range");
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new Huffman(lengths);
}
