import { type ByteString, textOf } from "./byte-string.ts";
import { invalidHeader, numberField, stringField, type TarTime } from "./fields.ts";
import type { PaxRecords } from "./pax.ts";

/** Everything in a tar comes in blocks of this many bytes. */
export const blockSize = 512;

/** What stands before an entry of a tar, the extended headers before it taken in. */
export interface TarHeader {
  /** The type flag, one character. That of old archives, NUL, is "0", or "5" where the name ends in a slash. */
  readonly type: string;
  /** As it is written, not cleaned, and not necessarily UTF-8; {@link tarName} gives text. */
  readonly rawName: ByteString;
  readonly rawLinkName: ByteString;
  /** What the header says: links, folders and devices have no payload, whatever stands here ({@link payloadSize}). */
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime;
  readonly atime: TarTime | undefined;
  readonly ctime: TarTime | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** All records of the extended header before it. */
  readonly pax: PaxRecords;
}

/** The entry's name as text. */
export function tarName(header: TarHeader): string {
  return textOf(header.rawName);
}

/** How many bytes come after the header: none after those types that are headers only (1 to 6). */
export function payloadSize(header: TarHeader): number {
  return header.type >= "1" && header.type <= "6" ? 0 : header.size;
}

const noRecords: PaxRecords = new Map();

/**
 * Reads a header block as Go's archive/tar does: any of v7, ustar, star and GNU, told apart by their magic.
 *
 * @throws {ContentError} `content.bad-tar` where the checksum or a number is wrong
 */
export function parseHeader(block: Buffer): TarHeader {
  if (!checksumFits(block)) throw invalidHeader();
  const kind = kindOf(block);
  const devices = kind !== "v7";
  const prefix = prefixes[kind](block);
  const name = stringField(block, 0, 100);
  return {
    type: String.fromCharCode(block[156] ?? 0),
    rawName: prefix === "" ? name : `${prefix}/${name}`,
    rawLinkName: stringField(block, 157, 100),
    size: numberField(block, 124, 12),
    mode: numberField(block, 100, 8),
    uid: numberField(block, 108, 8),
    gid: numberField(block, 116, 8),
    mtime: { seconds: numberField(block, 136, 12), nanoseconds: 0 },
    atime: otherTime(block, kind, { star: 476, gnu: 345 }),
    ctime: otherTime(block, kind, { star: 488, gnu: 357 }),
    deviceMajor: devices ? numberField(block, 329, 8) : 0,
    deviceMinor: devices ? numberField(block, 337, 8) : 0,
    pax: noRecords,
  };
}

type Kind = "v7" | "ustar" | "star" | "gnu";

function kindOf(block: Buffer): Kind {
  const magic = block.toString("latin1", 257, 265);
  if (magic === "ustar  \0") return "gnu";
  if (!magic.startsWith("ustar\0")) return "v7";
  return block.toString("latin1", 508, 512) === "tar\0" ? "star" : "ustar";
}

const prefixes: Readonly<Record<Kind, (block: Buffer) => ByteString>> = {
  v7: () => "",
  ustar: (block) => stringField(block, 345, 155),
  star: (block) => stringField(block, 345, 131),
  // Where GNU has times, Go's writer before 1.8 had a prefix at times.
  gnu: (block) => (gnuTimesFit(block) ? "" : asciiOnly(stringField(block, 345, 155))),
};

function asciiOnly(prefix: ByteString): ByteString {
  return /^[\x00-\x7f]*$/.test(prefix) ? prefix : "";
}

function gnuTimesFit(block: Buffer): boolean {
  try {
    for (const at of [345, 357]) if (block[at] !== 0) numberField(block, at, 12);
    return true;
  } catch {
    return false;
  }
}

/** A time that some kinds have beside that of the last change. */
function otherTime(
  block: Buffer,
  kind: Kind,
  { star, gnu }: { readonly star: number; readonly gnu: number },
): TarTime | undefined {
  if (kind === "star") return { seconds: numberField(block, star, 12), nanoseconds: 0 };
  if (kind !== "gnu" || block[gnu] === 0 || !gnuTimesFit(block)) return;
  return { seconds: numberField(block, gnu, 12), nanoseconds: 0 };
}

/** The sum of all bytes, its own field counted as spaces; of signed bytes in the archives of some old systems. */
function checksumFits(block: Buffer): boolean {
  const expected = numberField(block, 148, 8);
  const eightSpaces = 8 * 0x20;
  const sum = sumOf(block, 0, blockSize) - sumOf(block, 148, 156) + eightSpaces;
  return expected === sum || expected === sum - 0x100 * highBytes(block);
}

function sumOf(block: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += block[at] as number;
  return sum;
}

/** How many bytes are negative where bytes have a sign. */
function highBytes(block: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < blockSize; at++) {
    if ((at < 148 || at >= 156) && (block[at] as number) > 0x7f) count += 1;
  }
  return count;
}
