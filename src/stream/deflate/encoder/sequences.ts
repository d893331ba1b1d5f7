import { increment, literalSymbols } from "./layout";
import { distanceSymbol, lengthSymbol } from "./symbols";

/** Sequences a block: headers cost more with fewer, codes that fit less with more. */
const mostSequences: u32 = 2048;

/** Of eight bytes: how many literals (4), the length of the match after them (2; 0 for none) and its distance less 1 (2). */
const sequences = memory.data(8 * 2048, 16);

let count: u32 = 0;

/** How often each symbol for literals and lengths occurs in the sequences. */
export const literalCounts: usize = memory.data(4 * 288, 16);

/** How often each symbol for distances does. */
export const distanceCounts: usize = memory.data(4 * 32, 16);

/** Begins a block. */
export function forgetSequences(): void {
  count = 0;
  memory.fill(literalCounts, 0, 4 * literalSymbols);
  memory.fill(distanceCounts, 0, 4 * 32);
}

/** Adds the literals `from` up to `to`, and after them a match, where `length` is not 0. */
export function addSequence(from: usize, to: usize, length: u32, distance: u32): void {
  const sequence = sequences + ((count++ as usize) << 3);
  store<u32>(sequence, (to - from) as u32);
  store<u16>(sequence, length as u16, 4);
  store<u16>(sequence, (distance - 1) as u16, 6);
  for (let literal = from; literal < to; literal++) increment(literalCounts, load<u8>(literal));
  if (length === 0) return;
  increment(literalCounts, 257 + lengthSymbol(length - 3));
  increment(distanceCounts, distanceSymbol(distance - 1));
}

/** Whether the block is to be written before another is added. */
export function sequencesFull(): bool {
  return count === mostSequences;
}

/** Where the sequences begin. */
export function firstSequence(): usize {
  return sequences;
}

/** Where they end. */
export function endOfSequences(): usize {
  return sequences + ((count as usize) << 3);
}
