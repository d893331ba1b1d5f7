import { type ByteString, bytesOf, isAscii } from "./byte-string.ts";
import type { TarTime } from "./fields.ts";
import { blockSize } from "./header.ts";

/** An entry to be written. Names are text; everything but the name may be left out: 0, and a regular file. */
export interface TarFields {
  readonly name: string;
  readonly size?: number;
  /** The type flag: "0" a regular file, "2" a symbolic link, "5" a folder. */
  readonly type?: string;
  readonly linkName?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: TarTime;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  /** Further PAX records, by key. */
  readonly pax?: ReadonlyMap<ByteString, ByteString>;
}

/** What ends an archive. */
export const endOfTar: Uint8Array = Buffer.alloc(2 * blockSize);

/** The zeros that fill a payload of `size` bytes up to a whole block. */
export function paddingOf(size: number): Uint8Array {
  return endOfTar.subarray(0, (blockSize - (size % blockSize)) % blockSize);
}

/**
 * An entry's header: ustar, byte for byte as Go's archive/tar writes it, after a PAX header where ustar cannot say it all:
 * long names, others than ASCII, sizes from 8 GiB, fractions of seconds.
 */
export function buildHeader(fields: TarFields): Buffer {
  const name = bytesOf(fields.name);
  const records = new Map(fields.pax);
  const split = splitName(name);
  if (!split) records.set("path", name);
  const linkName = bytesOf(fields.linkName ?? "");
  if (linkName.length > 100 || !isAscii(linkName)) records.set("linkpath", linkName);
  for (const [key, value, limit] of numbersOf(fields)) {
    if (value < 0 || value > limit) records.set(key, String(value));
  }
  if (needsFraction(fields.mtime)) records.set("mtime", paxTime(fields.mtime));
  const header = ustarBlock(fields, split ?? { prefix: "", name: asciiOf(name).slice(0, 100) });
  return records.size === 0 ? header : Buffer.concat([paxHeader(name, records), header]);
}

function numbersOf(fields: TarFields): readonly (readonly [string, number, number])[] {
  return [
    ["size", fields.size ?? 0, 8 ** 11 - 1],
    ["uid", fields.uid ?? 0, 8 ** 7 - 1],
    ["gid", fields.gid ?? 0, 8 ** 7 - 1],
    ["mtime", fields.mtime?.seconds ?? 0, 8 ** 11 - 1],
  ];
}

function needsFraction(time: TarTime | undefined): time is TarTime {
  return time !== undefined && time.nanoseconds !== 0;
}

/** Decimal seconds, without zeros at the end. */
function paxTime({ seconds, nanoseconds }: TarTime): string {
  const before = seconds < 0;
  const whole = before ? -seconds - 1 : seconds;
  const fraction = before ? 1_000_000_000 - nanoseconds : nanoseconds;
  const digits = String(fraction).padStart(9, "0").replace(/0+$/, "");
  return `${before ? "-" : ""}${whole}.${digits}`;
}

/** Where a name fits ustar's two fields, cut at a slash; else undefined. */
function splitName(name: ByteString): { prefix: string; name: string } | undefined {
  if (!isAscii(name)) return;
  if (name.length <= 100) return { prefix: "", name };
  const end = name.endsWith("/") ? name.length - 1 : name.length;
  const slash = name.lastIndexOf("/", Math.min(end - 1, 155));
  const rest = name.length - slash - 1;
  if (slash <= 0 || rest > 100 || rest === 0) return;
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

function asciiOf(bytes: ByteString): string {
  return bytes.replace(/[^\x01-\x7f]/g, "");
}

function ustarBlock(fields: TarFields, split: { prefix: string; name: string }): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(split.name, 0, "latin1");
  octal(block, 100, 8, (fields.mode ?? 0) & 0o7777777);
  for (const [key, value, limit] of numbersOf(fields)) {
    const [at, length] = numberPlaces[key] ?? [0, 0];
    octal(block, at, length, value < 0 || value > limit ? 0 : value);
  }
  block.write(fields.type ?? "0", 156, "latin1");
  block.write(asciiOf(bytesOf(fields.linkName ?? "")).slice(0, 100), 157, "latin1");
  block.write("ustar\0" + "00", 257, "latin1");
  octal(block, 329, 8, fields.deviceMajor ?? 0);
  octal(block, 337, 8, fields.deviceMinor ?? 0);
  block.write(split.prefix, 345, "latin1");
  return withChecksum(block);
}

const numberPlaces: Readonly<Record<string, readonly [at: number, length: number]>> = {
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
};

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
}

function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** An extended header and its body, named after the entry in Go's way. */
function paxHeader(name: ByteString, records: ReadonlyMap<ByteString, ByteString>): Buffer {
  const body = [...records.keys()]
    .toSorted()
    .map((key) => paxRecord(key, records.get(key) ?? ""))
    .join("");
  const slash = name.replace(/\/+$/, "").lastIndexOf("/");
  const path = `${name.slice(0, slash + 1)}PaxHeaders.0/${name.slice(slash + 1)}`;
  const header = ustarBlock(
    { name: "", type: "x", size: body.length },
    { prefix: "", name: asciiOf(path).slice(0, 100) },
  );
  const bytes = Buffer.from(body, "latin1");
  return Buffer.concat([header, bytes, paddingOf(bytes.byteLength)]);
}

/** `<length> <key>=<value>\n`, the length's own digits included. */
function paxRecord(key: ByteString, value: ByteString): ByteString {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
