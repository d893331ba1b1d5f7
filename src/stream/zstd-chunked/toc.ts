import { ContentError } from "../../core/errors.ts";
import { textOf } from "../tar/byte-string.ts";
import type { TarTime } from "../tar/fields.ts";
import type { TarHeader } from "../tar/header.ts";

/** An entry of a table of contents: c/storage's FileMetadata. What is zero or empty is left out. */
export type TocEntry = Readonly<Record<string, unknown>>;

/** Where the content of a file is in the blob, and what it is. */
export interface FilePlace {
  /** In hex with its algorithm. */
  readonly digest: string;
  /** Of the first frame that holds it alone. */
  readonly offset: number;
  /** Behind the last. */
  readonly endOffset: number;
}

const types: Readonly<Record<string, string>> = {
  "0": "reg",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
};

const xattrPrefix = "SCHILY.xattr.";

/**
 * What a table of contents says of an entry of a tar. Readers compare it with the header, member by member.
 *
 * @throws {ContentError} `content.bad-tar` for types and times that it has no word for
 */
export function tocEntry(header: TarHeader, place: FilePlace | undefined): TocEntry {
  const isSparse = [...header.pax.keys()].some((key) => key.startsWith("GNU.sparse."));
  const type = isSparse ? undefined : types[header.type];
  if (type === undefined) {
    throw unlisted(`unknown tarball type: ${isSparse ? "sparse" : header.type.charCodeAt(0)}`);
  }
  return {
    type,
    name: textOf(header.rawName),
    ...member("linkName", textOf(header.rawLinkName)),
    ...member("mode", header.mode),
    ...member("size", header.size),
    ...member("uid", header.uid),
    ...member("gid", header.gid),
    modtime: timeText(header.mtime),
    ...(header.atime && { accesstime: timeText(header.atime) }),
    ...(header.ctime && { changetime: timeText(header.ctime) }),
    ...member("devMajor", header.deviceMajor),
    ...member("devMinor", header.deviceMinor),
    ...xattrs(header),
    ...place,
  };
}

/** What is wrong with an entry that only a table of contents cannot have. */
export function unlisted(message: string): ContentError {
  return new ContentError("content.bad-tar", message, {
    hint: "zstd:chunked has no word for it; choose zstd",
  });
}

function member(name: string, value: string | number): TocEntry {
  return value === "" || value === 0 ? {} : { [name]: value };
}

function xattrs({ pax }: TarHeader): TocEntry {
  const found = [...pax].filter(([key]) => key.startsWith(xattrPrefix));
  if (found.length === 0) return {};
  const texts = found.map(([key, value]) => [
    textOf(key.slice(xattrPrefix.length)),
    Buffer.from(value, "latin1").toString("base64"),
  ]);
  return { xattrs: Object.fromEntries(texts) };
}

const [firstSecond, lastSecond] = ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"].map(
  (text) => Date.parse(text) / 1000,
) as [number, number];

/**
 * RFC 3339, with as many decimals as it takes.
 *
 * @throws {ContentError} `content.bad-tar` for a year that it has no digits for
 */
function timeText({ seconds, nanoseconds }: TarTime): string {
  if (seconds < firstSecond || seconds > lastSecond) {
    throw unlisted("Time.MarshalJSON: year outside of range [0,9999]");
  }
  const whole = new Date(seconds * 1000).toISOString().slice(0, -".000Z".length);
  const decimals = String(nanoseconds).padStart(9, "0").replace(/0+$/, "");
  return decimals === "" ? `${whole}Z` : `${whole}.${decimals}Z`;
}
