import { writeBits } from "./bit-writer";
import { at, distanceSymbols, increment, lengthSymbols, literalSymbols } from "./layout";
import { assignCodes, chooseLengths } from "./prefix-code";

// A block begins with the lengths of its codes, run-length encoded, in a code of their own — RFC 1951 § 3.2.7.

const copyPrevious: u32 = 16;
const fewZeros: u32 = 17;
const manyZeros: u32 = 18;

/** The order in which the lengths of that code are told. */
const order = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

const lengths = memory.data(320, 16);
let literals: u32 = 0;
let distances: u32 = 0;

/** Of two bytes: a symbol (5 bits), and the bits after it. */
const runs = memory.data(2 * 320, 16);
let runCount: u32 = 0;

const runCounts = memory.data(4 * 20, 16);
const runLengths = memory.data(20, 16);
const runCodes = memory.data(4 * 20, 16);
let toldLengths: u32 = 0;

/** Settles how the lengths of both codes are told. */
export function planLengths(literalLengths: usize, distanceLengths: usize): void {
  literals = used(literalLengths, literalSymbols, 257);
  distances = used(distanceLengths, distanceSymbols, 1);
  memory.copy(lengths, literalLengths, literals);
  memory.copy(lengths + literals, distanceLengths, distances);
  findRuns();
  chooseLengths(runCounts, lengthSymbols, 7, runLengths);
  toldLengths = lengthSymbols;
  while (toldLengths > 4 && load<u8>(runLengths + load<u8>(order + toldLengths - 1)) === 0) {
    toldLengths--;
  }
}

/** Without the zeros at the end, but `least`. */
function used(all: usize, symbols: u32, least: u32): u32 {
  let count = symbols;
  while (count > least && load<u8>(all + count - 1) === 0) count--;
  return count;
}

function findRuns(): void {
  runCount = 0;
  memory.fill(runCounts, 0, 4 * 20);
  const end = literals + distances;
  for (let start: u32 = 0; start < end; ) {
    const length: u32 = load<u8>(lengths + start);
    let run: u32 = 1;
    while (start + run < end && load<u8>(lengths + start + run) === length) run++;
    start += run;
    if (length === 0) addZeros(run);
    else addLengths(length, run);
  }
}

function addZeros(count: u32): void {
  let left = count;
  for (; left > 10; left -= min<u32>(left, 138)) addRun(manyZeros, min<u32>(left, 138) - 11);
  if (left > 2) addRun(fewZeros, left - 3);
  else for (; left > 0; left--) addRun(0, 0);
}

function addLengths(length: u32, count: u32): void {
  addRun(length, 0);
  let left = count - 1;
  for (; left > 2; left -= min<u32>(left, 6)) addRun(copyPrevious, min<u32>(left, 6) - 3);
  for (; left > 0; left--) addRun(length, 0);
}

function addRun(symbol: u32, more: u32): void {
  store<u16>(runs + ((runCount++ as usize) << 1), (symbol | (more << 5)) as u16);
  increment(runCounts, symbol);
}

/** Bits after a run's symbol. */
function runBits(symbol: u32): u32 {
  if (symbol < copyPrevious) return 0;
  return symbol === copyPrevious ? 2 : symbol === fewZeros ? 3 : 7;
}

/** In bits. */
export function lengthsCost(): u32 {
  let bits: u32 = 14 + 3 * toldLengths;
  for (let symbol: u32 = 0; symbol < lengthSymbols; symbol++) {
    bits += at(runCounts, symbol) * (load<u8>(runLengths + symbol) + runBits(symbol));
  }
  return bits;
}

/** Writes them as they were planned. */
export function writeLengths(): void {
  writeBits(literals - 257, 5);
  writeBits(distances - 1, 5);
  writeBits(toldLengths - 4, 4);
  for (let i: u32 = 0; i < toldLengths; i++)
    writeBits(load<u8>(runLengths + load<u8>(order + i)), 3);
  assignCodes(runLengths, lengthSymbols, runCodes);
  for (let i: u32 = 0; i < runCount; i++) {
    const run: u32 = load<u16>(runs + ((i as usize) << 1));
    const symbol = run & 31;
    const code = at(runCodes, symbol);
    writeBits(code & 0xffff, code >>> 16);
    writeBits(run >>> 5, runBits(symbol));
  }
}
