import { ContentError } from "../../core/errors.ts";
import type { ByteString } from "./byte-string.ts";

/** A point in time: seconds since 1970, negative ones before it, and 0 to 999999999 nanoseconds after that second. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Go's words for a header that cannot be one. */
export function invalidHeader(): ContentError {
  return new ContentError("content.bad-tar", "archive/tar: invalid tar header");
}

/** The bytes of a field up to its first NUL, or all of them. */
export function stringField(block: Buffer, start: number, length: number): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString("latin1", start, end);
}

/**
 * A number as octal digits, or in base 256 where the first bit is set — GNU tar's manual § Basic Tar Format. Spaces and NULs
 * around digits do not count; an empty field is 0. What is beyond 2^53 is not exact.
 *
 * @throws {ContentError} `content.bad-tar` for other characters, and beyond 63 bits
 */
export function numberField(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if (first & 0x80) return base256(block.subarray(start, start + length));
  let [from, to] = [start, start + length];
  while (from < to && isBlank(block[from])) from++;
  while (to > from && isBlank(block[to - 1])) to--;
  let value = 0;
  for (let at = from; at < to && block[at] !== 0; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw invalidHeader();
    value = value * 8 + digit;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20;
}

/** Two's complement, most significant byte first, without the bit that marks it. */
function base256(bytes: Uint8Array): number {
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0;
  let value = 0n;
  bytes.forEach((byte, index) => {
    const plain = negative ? byte ^ 0xff : byte;
    value = (value << 8n) | BigInt(index === 0 ? plain & 0x7f : plain);
  });
  if (value >> 63n) throw invalidHeader();
  return Number(negative ? -value - 1n : value);
}

/**
 * A time as PAX writes it: decimal seconds, of whose fraction nine digits count.
 *
 * @throws {ContentError} `content.bad-tar`
 */
export function parsePaxTime(value: ByteString): TarTime {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(value);
  if (!match) throw invalidHeader();
  const [, sign, whole = "", fraction = ""] = match;
  const seconds = wholeNumber(whole);
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign !== "-") return { seconds, nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - seconds, nanoseconds };
  return { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/**
 * A whole number of PAX, of 63 bits and a sign.
 *
 * @throws {ContentError} `content.bad-tar`
 */
export function parsePaxNumber(value: ByteString): number {
  const match = /^([+-]?)(\d+)$/.exec(value);
  if (!match) throw invalidHeader();
  const [, sign, digits = ""] = match;
  return sign === "-" ? 0 - wholeNumber(digits) : wholeNumber(digits);
}

/** Of 63 bits at most; what is beyond 2^53 is not exact. */
function wholeNumber(digits: string): number {
  const significant = digits.replace(/^0+/, "");
  if (significant.length > 19 || BigInt(significant) >> 63n) throw invalidHeader();
  return Number(significant);
}
