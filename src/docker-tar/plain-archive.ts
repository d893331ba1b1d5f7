import { posix } from "node:path";
import { KnownError } from "../core/errors.ts";
import { goQuote } from "../core/go-quote.ts";
import type { OpenBytes } from "../stream/blob-stream.ts";
import { detectCompression, magicBytes } from "../stream/compression-format.ts";
import { type RandomAccess, readFully, readRegion } from "../stream/random-access.ts";
import type { ArchiveEntry } from "../stream/tar/archive-entry.ts";
import { type ArchiveIndex, readArchiveIndex } from "../stream/tar/archive-index.ts";
import {
  type ArchiveFiles,
  lengthOf,
  notLoaded,
  type PlainFile,
  plainFrom,
  type ReadOptions,
  readWhole,
  requireFile,
} from "./archive-files.ts";
import { invalid } from "./errors.ts";
import { manifestFileName } from "./manifest-file.ts";

/**
 * Looks through a plain archive that can be read at any place: one pass over the headers, then each file is a part of it.
 *
 * @param close called when the files are disposed of
 * @throws {DockerTarError} `docker-tar.invalid` for what is no tar
 */
export async function openPlainArchive(
  file: RandomAccess,
  close: () => Promise<void>,
  { signal }: ReadOptions,
): Promise<ArchiveFiles> {
  try {
    const index = await readArchiveIndex(file, { signal, duplicates: "first" });
    return new PlainArchive(file, index, close);
  } catch (error) {
    throw error instanceof KnownError ? notLoaded(manifestFileName, error) : error;
  }
}

/** What is known of a file when its first bytes, or all of it, were read. */
interface Measured {
  /** Of what it unpacks to. */
  readonly size: number;
  readonly packed: boolean;
}

class PlainArchive implements ArchiveFiles {
  readonly access = "any";
  readonly #file: RandomAccess;
  readonly #index: ArchiveIndex;
  readonly #close: () => Promise<void>;
  readonly #measures = new Map<ArchiveEntry, Measured>();

  constructor(file: RandomAccess, index: ArchiveIndex, close: () => Promise<void>) {
    this.#file = file;
    this.#index = index;
    this.#close = close;
  }

  async readSmall(name: string, maxBytes: number, { signal }: ReadOptions): Promise<Uint8Array> {
    const entry = requireFile(this.#index, name);
    return await readWhole(name, readRegion(this.#file, entry, signal), maxBytes);
  }

  async plainSize(name: string, { signal }: ReadOptions): Promise<number | undefined> {
    const entry = this.#index.file(posix.normalize(name));
    return entry && (await this.#measured(entry, signal)).size;
  }

  async #measured(entry: ArchiveEntry, signal: AbortSignal): Promise<Measured> {
    const measured = this.#measures.get(entry) ?? (await this.#measure(entry, signal));
    this.#measures.set(entry, measured);
    return measured;
  }

  /** A packed file is unpacked once more than a copy would: what it becomes must be told before. */
  async #measure(entry: ArchiveEntry, signal: AbortSignal): Promise<Measured> {
    const start = Buffer.alloc(Math.min(magicBytes, entry.size));
    const head = await readFully(this.#file, start, entry.offset);
    if (!detectCompression(head)) return { size: entry.size, packed: false };
    try {
      const size = await lengthOf(plainFrom(readRegion(this.#file, entry, signal), 0));
      return { size, packed: true };
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      throw invalid(`reading ${goQuote(entry.name)} to find its size: ${error.message}`, error);
    }
  }

  async openPlain(name: string, { signal }: ReadOptions): Promise<PlainFile> {
    const entry = requireFile(this.#index, name);
    const { size, packed } = await this.#measured(entry, signal);
    const open: OpenBytes = packed
      ? (from) => plainFrom(readRegion(this.#file, entry, signal), from)
      : (from) =>
          readRegion(this.#file, { offset: entry.offset + from, size: size - from }, signal);
    return { size, open };
  }

  isAtHand(): boolean {
    return true;
  }

  placeOf(name: string): number {
    return this.#index.file(posix.normalize(name))?.offset ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
