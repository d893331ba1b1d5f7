import { posix } from "node:path";
import { type RandomAccess, readFully } from "../random-access.ts";
import {
  type ArchiveEntry,
  type ArchiveLimits,
  cleanName,
  EntryCount,
  entryOf,
} from "./archive-entry.ts";
import { nextHeader, skipPayload, type TarInput } from "./walk.ts";

/** How an archive is looked through. */
export interface ReadIndexOptions extends ArchiveLimits {
  readonly signal: AbortSignal;
  /** Which of several entries of one name counts: the last, as when unpacking, or the first. Default "last". */
  readonly duplicates?: "first" | "last";
}

/** What is in an archive, and where. */
export class ArchiveIndex {
  readonly #duplicates: "first" | "last";
  readonly #entries: ArchiveEntry[] = [];
  readonly #byName = new Map<string, ArchiveEntry>();

  constructor(entries: Iterable<ArchiveEntry>, duplicates: "first" | "last" = "last") {
    this.#duplicates = duplicates;
    for (const entry of entries) this.add(entry);
  }

  /** All entries with a usable name, in the archive's order. */
  get entries(): readonly ArchiveEntry[] {
    return this.#entries;
  }

  /** Takes in the next entry of the archive. */
  add(entry: ArchiveEntry): void {
    this.#entries.push(entry);
    if (this.#duplicates === "first" && this.#byName.has(entry.name)) return;
    this.#byName.set(entry.name, entry);
  }

  /** The entry of that name, whatever it is. */
  entry(name: string): ArchiveEntry | undefined {
    return this.#byName.get(name);
  }

  /** The file that a name leads to, through links within the archive; undefined where it leads to none. */
  file(name: string): ArchiveEntry | undefined {
    let path = cleanName(name);
    for (let links = 0; path !== undefined && links < mostLinks; links++) {
      const found = this.#byName.get(path);
      if (found?.kind === "file") return found;
      if (found?.kind === "hardlink") path = cleanName(found.linkName);
      else path = this.#throughLink(path);
    }
    return undefined;
  }

  /** The path with its first symbolic link put in; undefined where it has none. */
  #throughLink(path: string): string | undefined {
    const parts = path.split("/");
    for (let count = 1; count <= parts.length; count++) {
      const folder = parts.slice(0, count).join("/");
      const link = this.#byName.get(folder);
      if (link?.kind !== "symlink") continue;
      if (link.linkName.startsWith("/")) return undefined; // on the machine it was made on
      return cleanName(posix.join(posix.dirname(folder), link.linkName, ...parts.slice(count)));
    }
    return undefined;
  }
}

const mostLinks = 16;

/**
 * Looks through the headers of a plain tar; contents are passed over unread.
 *
 * @throws {ContentError} `content.bad-tar` for what is no tar, is cut short, or has too many entries
 */
export async function readArchiveIndex(
  file: RandomAccess,
  options: ReadIndexOptions,
): Promise<ArchiveIndex> {
  const input = new FileInput(file);
  const count = new EntryCount(options);
  const entries: ArchiveEntry[] = [];
  for (let header = await nextHeader(input); header; header = await nextHeader(input)) {
    options.signal.throwIfAborted();
    count.add(header);
    const entry = entryOf(header, input.position);
    if (entry) entries.push(entry);
    await skipPayload(input, header);
  }
  return new ArchiveIndex(entries, options.duplicates);
}

/** Small reads, so that a header costs no more than a block or two of disk. */
const windowBytes = 8 * 1024;

/** Reads a file window by window, and only where headers are. */
class FileInput implements TarInput {
  position = 0;
  readonly #file: RandomAccess;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;

  constructor(file: RandomAccess) {
    this.#file = file;
  }

  async read(length: number): Promise<Buffer> {
    const at = this.position - this.#windowAt;
    if (at < 0 || at + length > this.#window.byteLength) {
      const fresh = Buffer.allocUnsafeSlow(Math.max(length, windowBytes));
      this.#window = await readFully(this.#file, fresh, this.position);
      this.#windowAt = this.position;
    }
    const start = this.position - this.#windowAt;
    const bytes = this.#window.subarray(start, start + length);
    this.position += bytes.byteLength;
    return bytes;
  }

  async skip(length: number): Promise<number> {
    const skipped = Math.max(0, Math.min(length, this.#file.size - this.position));
    this.position += skipped;
    return skipped;
  }
}
