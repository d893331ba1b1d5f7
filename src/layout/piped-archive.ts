import type { ArchiveEntry } from "../stream/tar/archive-entry.ts";
import { ArchiveIndex } from "../stream/tar/archive-index.ts";
import { readTape, type TapeEntry } from "../stream/tar/archive-tape.ts";
import type { Archive, ArchivedFile } from "./archive.ts";
import { LayoutError } from "./errors.ts";
import { refuseLarge } from "./plain-archive.ts";
import { oneChunk, SmallFiles } from "./small-files.ts";

const hint = "Name a file instead of a pipe, or say with --tmpdir where it may be put aside";

/**
 * A tar that comes by once. Looking for a small file keeps the small ones before it; looking for any other lets go what
 * cannot be kept.
 */
export class PipedArchive implements Archive {
  readonly access = "once";
  readonly #tape: AsyncGenerator<TapeEntry, void, void>;
  readonly #what: string;
  readonly #source: AsyncDisposable;
  readonly #seen: ArchiveIndex;
  readonly #small = new SmallFiles();
  /** The entry that the tape stands before, looked at and not yet taken. */
  #next: TapeEntry | undefined;

  constructor(
    bytes: AsyncIterable<Uint8Array>,
    what: string,
    source: AsyncDisposable,
    duplicates: "first" | "last",
  ) {
    this.#tape = readTape(bytes);
    this.#what = what;
    this.#source = source;
    this.#seen = new ArchiveIndex([], duplicates);
  }

  get order(): readonly string[] {
    return this.#seen.entries
      .filter(({ offset }) => this.#small.at(offset))
      .map(({ name }) => name);
  }

  async find(
    name: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ArchivedFile | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const seen = this.#seen.file(name);
      const kept = seen && this.#small.at(seen.offset);
      if (kept) return fileOf(kept);
      if (seen) throw this.#passed(name);
      const entry = await this.#take();
      if (!entry) return undefined;
      if (entry.kind === "file" && entry.name === name) return tapeFile(entry);
      if (this.#canKeep(entry)) await this.#small.keep(entry);
    }
  }

  async readSmall(
    name: string,
    maxBytes: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Buffer | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const seen = this.#seen.file(name);
      if (seen) {
        refuseLarge(name, seen.size, maxBytes);
        const kept = this.#small.at(seen.offset);
        if (kept) return kept;
        throw this.#passed(name);
      }
      const entry = await this.#peek();
      if (!entry) return undefined;
      if (entry.kind === "file" && !this.#canKeep(entry)) throw this.#behind(name, entry);
      await this.#take();
      if (this.#canKeep(entry)) await this.#small.keep(entry);
    }
  }

  #canKeep({ kind, size }: ArchiveEntry): boolean {
    return kind === "file" && this.#small.hasRoom(size);
  }

  async #peek(): Promise<TapeEntry | undefined> {
    if (this.#next) return this.#next;
    const next = await this.#tape.next();
    this.#next = next.done ? undefined : next.value;
    return this.#next;
  }

  async #take(): Promise<TapeEntry | undefined> {
    const entry = await this.#peek();
    this.#next = undefined;
    if (entry) {
      const { content: _, ...rest } = entry;
      this.#seen.add(rest);
    }
    return entry;
  }

  #passed(name: string): LayoutError {
    return new LayoutError(
      "layout.unsupported",
      `${name} has passed already in ${this.#what}, which can be read only once`,
      { hint },
    );
  }

  #behind(name: string, entry: ArchiveEntry): LayoutError {
    return new LayoutError(
      "layout.unsupported",
      `${name} comes behind ${entry.name} in ${this.#what}, which can be read only once`,
      { hint },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tape.return();
    await this.#source[Symbol.asyncDispose]();
  }
}

function fileOf(bytes: Buffer): ArchivedFile {
  return { size: bytes.byteLength, reopens: true, open: (from) => oneChunk(bytes, from) };
}

function tapeFile({ size, content }: TapeEntry): ArchivedFile {
  return { size, reopens: false, open: () => content };
}
