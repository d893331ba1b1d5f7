import { packed } from "./layout";

/** Bits that are not written yet, the first one lowest — RFC 1951 § 3.1.1 — and how many: under 8 between calls. */
let waiting: u64 = 0;
let count: u64 = 0;

/** Where the next whole byte goes. */
let end: usize = packed;

/** What comes next goes to the beginning. */
export function startWriting(): void {
  waiting = 0;
  count = 0;
  end = packed;
}

/** @param length up to 48, with none of `bits` above it */
export function writeBits(bits: u64, length: u64): void {
  waiting |= bits << count;
  count += length;
  store<u64>(end, waiting);
  end += (count >>> 3) as usize;
  waiting >>>= count & 0x38;
  count &= 7;
}

/** Fills the last byte up. */
export function writeToByte(): void {
  writeBits(0, (0 - count) & 7);
}

/** After a whole byte only. */
export function writeBytes(from: usize, length: u32): void {
  memory.copy(end, from, length);
  end += length;
}

/** How many bytes are whole. */
export function writtenBytes(): u32 {
  return (end - packed) as u32;
}
