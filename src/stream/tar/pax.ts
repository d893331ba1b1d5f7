import type { ByteString } from "./byte-string.ts";
import { invalidHeader, parsePaxNumber, parsePaxTime } from "./fields.ts";
import type { TarHeader } from "./header.ts";

/** Records of an extended header by their key; the last one of a key counts. */
export type PaxRecords = ReadonlyMap<ByteString, ByteString>;

/** The key under which sparse maps of the formats 0.0 and 0.1 stand. */
export const sparseMapKey = "GNU.sparse.map";

/**
 * The records of an extended header's body: `<length> <key>=<value>\n` each, the length being the whole record's, in decimal
 * — POSIX pax § pax Extended Header. Like Go, brings the records of GNU's sparse format 0.0 into the form of 0.1.
 *
 * @throws {ContentError} `content.bad-tar`
 */
export function parsePaxRecords(body: Buffer): PaxRecords {
  const records = new Map<ByteString, ByteString>();
  const sparseMap: ByteString[] = [];
  for (let at = 0; at < body.byteLength; ) {
    const { key, value, end } = recordAt(body, at);
    if (!addToSparseMap(sparseMap, key, value)) records.set(key, value);
    at = end;
  }
  if (sparseMap.length > 0) records.set(sparseMapKey, sparseMap.join(","));
  return records;
}

function recordAt(body: Buffer, start: number) {
  const space = body.indexOf(0x20, start);
  const digits = body.toString("latin1", start, space);
  if (space < 0 || !/^\d{1,10}$/.test(digits)) throw invalidHeader();
  const end = start + Number(digits);
  const equals = body.indexOf(0x3d, space);
  if (end > body.byteLength || end < start + 5 || body[end - 1] !== 0x0a) throw invalidHeader();
  if (equals <= space + 1 || equals >= end - 1) throw invalidHeader();
  const key = body.toString("latin1", space + 1, equals);
  const value = body.toString("latin1", equals + 1, end - 1);
  if ((isString(key) ? value : key).includes("\0")) throw invalidHeader();
  return { key, value, end };
}

function isString(key: ByteString): boolean {
  return key === "path" || key === "linkpath" || key === "uname" || key === "gname";
}

/** Offsets and lengths of format 0.0 come in turn, each a record of its own. */
function addToSparseMap(map: ByteString[], key: ByteString, value: ByteString): boolean {
  if (key !== "GNU.sparse.offset" && key !== "GNU.sparse.numbytes") return false;
  const due = map.length % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes";
  if (key !== due || value.includes(",")) throw invalidHeader();
  map.push(value);
  return true;
}

/**
 * A header with what the extended one before it says; a record without a value leaves the field as it is.
 *
 * @throws {ContentError} `content.bad-tar`
 */
export function withPaxRecords(header: TarHeader, pax: PaxRecords): TarHeader {
  const value = (key: ByteString) => pax.get(key) || undefined;
  const number = (key: ByteString, otherwise: number) => {
    const text = value(key);
    return text === undefined ? otherwise : parsePaxNumber(text);
  };
  const time = (key: ByteString) => {
    const text = value(key);
    return text === undefined ? undefined : parsePaxTime(text);
  };
  return {
    ...header,
    pax,
    rawName: value("path") ?? header.rawName,
    rawLinkName: value("linkpath") ?? header.rawLinkName,
    size: number("size", header.size),
    uid: number("uid", header.uid),
    gid: number("gid", header.gid),
    mtime: time("mtime") ?? header.mtime,
    atime: time("atime") ?? header.atime,
    ctime: time("ctime") ?? header.ctime,
  };
}
