import { posix } from "node:path";
import { ContentError } from "../../core/errors.ts";
import { textOf } from "./byte-string.ts";
import { payloadSize, type TarHeader, tarName } from "./header.ts";

/** What an entry of an archive is. "other": devices, sparse files, and what is unknown; their content cannot be had. */
export type EntryKind = "file" | "folder" | "hardlink" | "symlink" | "other";

/** One entry of an archive, as far as its headers tell. */
export interface ArchiveEntry {
  /** Clean and relative: `blobs/sha256/…`, never with `.` or `..` in it, nor with a slash at its ends. */
  readonly name: string;
  readonly kind: EntryKind;
  readonly size: number;
  /** Where the content stands in the plain tar. */
  readonly offset: number;
  /** Of links, as it is written. */
  readonly linkName: string;
}

/** What an archive may have of entries, so that a hostile one takes no more than some memory. */
export interface ArchiveLimits {
  /** Default 250,000. */
  readonly maxEntries?: number;
  /** Characters of all names; default 32 Mi. */
  readonly maxNames?: number;
}

const longestName = 4096;

const kinds: Readonly<Record<string, EntryKind>> = {
  0: "file",
  7: "file",
  1: "hardlink",
  2: "symlink",
  5: "folder",
};

/** The entry that a header is of; undefined where its name leads out of the archive, or is too long to be meant. */
export function entryOf(header: TarHeader, offset: number): ArchiveEntry | undefined {
  const name = cleanName(tarName(header));
  if (name === undefined) return undefined;
  const sparse = [...header.pax.keys()].some((key) => key.startsWith("GNU.sparse."));
  return {
    name,
    kind: sparse ? "other" : (kinds[header.type] ?? "other"),
    size: payloadSize(header),
    offset,
    linkName: textOf(header.rawLinkName).slice(0, longestName),
  };
}

/** A name as it would be below the folder that the archive is unpacked in; undefined where it would be outside. */
export function cleanName(name: string): string | undefined {
  if (name.length > longestName) return undefined;
  const clean = posix.normalize(name).replace(/^\/+/, "").replace(/\/+$/, "");
  return /^(?:|\.|\.\.|\.\.\/.*)$/s.test(clean) ? undefined : clean;
}

/** Counts entries against the limits. */
export class EntryCount {
  readonly #limits: Required<ArchiveLimits>;
  #entries = 0;
  #names = 0;

  constructor({ maxEntries = 250_000, maxNames = 32 * 1024 * 1024 }: ArchiveLimits = {}) {
    this.#limits = { maxEntries, maxNames };
  }

  /** @throws {ContentError} `content.bad-tar` past a limit */
  add(header: TarHeader): void {
    this.#entries++;
    this.#names += header.rawName.length + header.rawLinkName.length;
    const { maxEntries, maxNames } = this.#limits;
    if (this.#entries <= maxEntries && this.#names <= maxNames) return;
    throw new ContentError("content.bad-tar", `the archive has more than ${maxEntries} entries`);
  }
}
