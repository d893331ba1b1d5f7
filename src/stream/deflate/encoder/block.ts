import { writeBits, writeBytes, writeToByte } from "./bit-writer";
import { lengthsCost, planLengths, writeLengths } from "./code-lengths";
import { at, distanceSymbols, endOfBlock, increment, literalSymbols, put } from "./layout";
import { assignCodes, chooseLengths } from "./prefix-code";
import {
  distanceCounts,
  endOfSequences,
  firstSequence,
  forgetSequences,
  literalCounts,
} from "./sequences";
import { distanceBits, distanceSymbol, leastLength, lengthBits, lengthSymbol } from "./symbols";

/** Lengths of the codes, by symbol. */
const literalLengths = memory.data(288, 16);
const distanceLengths = memory.data(32, 16);

/** The codes: as {@link assignCodes} leaves them. */
const literalCodes = memory.data(4 * 288, 16);
const distanceCodes = memory.data(4 * 32, 16);

/** By length less 3: its code and the bits after it (24), and how many that are. */
const matchCodes = memory.data(4 * 256, 16);

const mostStored: u32 = 65535;

/** Writes the sequences, which make up the bytes `from` up to `to`, as one block, and forgets them. */
export function writeBlock(from: usize, to: usize): void {
  increment(literalCounts, endOfBlock);
  chooseLengths(literalCounts, literalSymbols, 15, literalLengths);
  chooseLengths(distanceCounts, distanceSymbols, 15, distanceLengths);
  planLengths(literalLengths, distanceLengths);
  const bits = 3 + lengthsCost() + sequencesCost();
  const stored = ((to - from) as u32) + 5 * (1 + ((to - from) as u32) / mostStored);
  if (8 * stored <= bits) writeStored(from, to);
  else writeDynamic(from);
  forgetSequences();
}

/** In bits. */
function sequencesCost(): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 0; symbol < literalSymbols; symbol++) {
    const more: u32 = symbol > endOfBlock ? lengthBits(symbol - 257) : 0;
    bits += at(literalCounts, symbol) * (load<u8>(literalLengths + symbol) + more);
  }
  for (let symbol: u32 = 0; symbol < distanceSymbols; symbol++) {
    bits +=
      at(distanceCounts, symbol) * (load<u8>(distanceLengths + symbol) + distanceBits(symbol));
  }
  return bits;
}

/** RFC 1951 § 3.2.4. */
function writeStored(from: usize, to: usize): void {
  for (let start = from; start < to; start += mostStored) {
    const length = min<u32>(mostStored, (to - start) as u32);
    writeBits(0, 3);
    writeToByte();
    writeBits(length | (~length << 16), 32);
    writeBytes(start, length);
  }
}

/** RFC 1951 § 3.2.7. */
function writeDynamic(from: usize): void {
  writeBits(0b100, 3);
  writeLengths();
  assignCodes(literalLengths, literalSymbols, literalCodes);
  assignCodes(distanceLengths, distanceSymbols, distanceCodes);
  for (let length: u32 = 0; length < 256; length++) {
    const symbol = lengthSymbol(length);
    const code = at(literalCodes, 257 + symbol);
    const size = code >>> 16;
    const bits = (code & 0xffff) | ((length - leastLength(symbol)) << size);
    put(matchCodes, length, bits | ((size + lengthBits(symbol)) << 24));
  }
  writeSequences(from);
  const end = at(literalCodes, endOfBlock);
  writeBits(end & 0xffff, end >>> 16);
}

function writeSequences(from: usize): void {
  let literal = from;
  const end = endOfSequences();
  for (let sequence = firstSequence(); sequence < end; sequence += 8) {
    const literals = load<u32>(sequence);
    writeLiterals(literal, literals);
    literal += literals;
    const length: u32 = load<u16>(sequence, 4);
    if (length === 0) continue;
    writeMatch(length, load<u16>(sequence, 6));
    literal += length;
  }
}

/** Three at a time: 45 bits. */
function writeLiterals(from: usize, count: u32): void {
  const end = from + count;
  let literal = from;
  for (; literal + 3 <= end; literal += 3) {
    const first: u64 = at(literalCodes, load<u8>(literal));
    const second: u64 = at(literalCodes, load<u8>(literal, 1));
    const third: u64 = at(literalCodes, load<u8>(literal, 2));
    const two = first >>> 16;
    const three = two + (second >>> 16);
    const bits = (first & 0xffff) | ((second & 0xffff) << two) | ((third & 0xffff) << three);
    writeBits(bits, three + (third >>> 16));
  }
  for (; literal < end; literal++) {
    const code: u64 = at(literalCodes, load<u8>(literal));
    writeBits(code & 0xffff, code >>> 16);
  }
}

/** 48 bits at most. */
function writeMatch(length: u32, distance: u32): void {
  const match = at(matchCodes, length - 3);
  const symbol = distanceSymbol(distance);
  const code = at(distanceCodes, symbol);
  const more = distanceBits(symbol);
  const size = code >>> 16;
  const bits = (code & 0xffff) | ((distance & ((1 << more) - 1)) << size);
  writeBits((match & 0xffffff) | ((bits as u64) << (match >>> 24)), (match >>> 24) + size + more);
}
