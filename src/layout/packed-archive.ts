import { readBounded } from "../stream/bounded.ts";
import type { CompressionFormat } from "../stream/compression-format.ts";
import { decompressed } from "../stream/decompression.ts";
import { type RandomAccess, type Region, readRegion } from "../stream/random-access.ts";
import type { ArchiveEntry } from "../stream/tar/archive-entry.ts";
import { ArchiveIndex } from "../stream/tar/archive-index.ts";
import { ByteTape, readTape } from "../stream/tar/archive-tape.ts";
import type { Archive, ArchivedFile, OpenArchiveOptions } from "./archive.ts";
import { refuseLarge } from "./plain-archive.ts";
import { oneChunk, SmallFiles } from "./small-files.ts";

/**
 * A packed tar in a file. It was read once to see what is in it; a file that stands behind where the reading is costs the
 * bytes between, one before it all bytes from the start.
 */
export class PackedArchive implements Archive {
  readonly access = "rewinds";
  readonly order: readonly string[];
  readonly #unpack: () => ByteTape;
  readonly #index: ArchiveIndex;
  readonly #small: SmallFiles;
  readonly #close: () => Promise<void>;
  /** Where somebody stopped reading, to go on there. */
  #idle: ByteTape | undefined;

  private constructor(
    unpack: () => ByteTape,
    index: ArchiveIndex,
    small: SmallFiles,
    close: () => Promise<void>,
  ) {
    this.#unpack = unpack;
    this.#index = index;
    this.#small = small;
    this.#close = close;
    const isKept = ({ offset }: ArchiveEntry) => small.at(offset) !== undefined;
    const kept = index.entries.filter(isKept);
    const others = index.entries.filter((entry) => !isKept(entry));
    this.order = [...kept, ...others].map(({ name }) => name);
  }

  /** Reads all of it once, keeping what is small. */
  static async open(
    file: RandomAccess,
    format: CompressionFormat,
    close: () => Promise<void>,
    { signal, duplicates }: OpenArchiveOptions,
  ): Promise<PackedArchive> {
    const never = new AbortController().signal;
    const unpacked = (until: AbortSignal) =>
      decompressed(readRegion(file, { offset: 0, size: file.size }, until), format);
    const entries: ArchiveEntry[] = [];
    const small = new SmallFiles();
    for await (const entry of readTape(unpacked(signal))) {
      if (entry.kind === "file" && small.hasRoom(entry.size)) await small.keep(entry);
      const { content: _, ...rest } = entry;
      entries.push(rest);
    }
    const unpack = () => new ByteTape(unpacked(never));
    return new PackedArchive(unpack, new ArchiveIndex(entries, duplicates), small, close);
  }

  async find(
    name: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ArchivedFile | undefined> {
    const entry = this.#index.file(name);
    if (!entry) return undefined;
    const { offset, size } = entry;
    const kept = this.#small.at(offset);
    const open = (from: number) =>
      kept
        ? oneChunk(kept, from)
        : this.#read({ offset: offset + from, size: size - from }, signal);
    return { size, reopens: true, open };
  }

  async readSmall(
    name: string,
    maxBytes: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Buffer | undefined> {
    const entry = this.#index.file(name);
    if (!entry) return undefined;
    refuseLarge(name, entry.size, maxBytes);
    const kept = this.#small.at(entry.offset);
    return kept ?? Buffer.from(await readBounded(this.#read(entry, signal), maxBytes, name));
  }

  async *#read({ offset, size }: Region, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const tape = await this.#tapeBefore(offset);
    let isSound = false;
    try {
      await tape.skip(offset - tape.position);
      for await (const chunk of tape.content(size)) {
        signal.throwIfAborted();
        yield chunk;
      }
      isSound = true;
    } finally {
      if (isSound && !this.#idle) this.#idle = tape;
      else await tape[Symbol.asyncDispose]();
    }
  }

  async #tapeBefore(offset: number): Promise<ByteTape> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle && idle.position <= offset) return idle;
    await idle?.[Symbol.asyncDispose]();
    return this.#unpack();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#idle?.[Symbol.asyncDispose]();
    await this.#close();
  }
}
