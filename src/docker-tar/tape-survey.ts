import { KnownError } from "../core/errors.ts";
import { readBounded } from "../stream/bounded.ts";
import { peek } from "../stream/peek.ts";
import type { ArchiveEntry } from "../stream/tar/archive-entry.ts";
import type { TapeEntry } from "../stream/tar/archive-tape.ts";
import { lengthOf, notLoaded, unpacked } from "./archive-files.ts";
import { manifestFileName } from "./manifest-file.ts";
import type { TapeCursor } from "./tape-cursor.ts";

/** A document may be as long as this; it is kept beyond what else is, up to a limit of all. */
const longestDocument = 4 * 1024 * 1024;
const mostDocuments = 64 * 1024 * 1024;

/** What a first pass over a tape has found. */
export interface Survey {
  /** Without their contents. */
  readonly entries: readonly ArchiveEntry[];
  /** Contents of small files, by name. */
  readonly kept: ReadonlyMap<string, Uint8Array>;
  /** What files unpack to, by name, where that was measured. */
  readonly plainSizes: ReadonlyMap<string, number>;
}

/**
 * Looks through a tape: to its end where it can be had again, `whole`; else until a file comes that is too large to keep,
 * and which the cursor then stands at. Files of up to `mostKept` bytes in all are kept, whatever they are, and documents.
 *
 * @throws {DockerTarError} `docker-tar.invalid` for what is no tar
 */
export async function surveyTape(
  cursor: TapeCursor,
  { whole, mostKept }: { readonly whole: boolean; readonly mostKept: number },
): Promise<Survey> {
  const entries: ArchiveEntry[] = [];
  const keeper = new Keeper(mostKept);
  const plainSizes = new Map<string, number>();
  try {
    for (let entry = await cursor.next(); entry; entry = await cursor.next()) {
      const { content: _, ...told } = entry;
      entries.push(told);
      if (entry.kind !== "file" || keeper.kept.has(entry.name)) continue;
      const { content, isKept } = await keeper.take(entry);
      if (isKept) continue;
      if (!whole) {
        cursor.putBack({ ...entry, content });
        break;
      }
      if (!plainSizes.has(entry.name)) plainSizes.set(entry.name, await measured(content));
    }
  } catch (error) {
    throw error instanceof KnownError ? notLoaded(manifestFileName, error) : error;
  }
  return { entries, kept: keeper.kept, plainSizes };
}

async function measured(content: AsyncIterable<Uint8Array>): Promise<number> {
  return await lengthOf((await unpacked(content)).plain);
}

/** Keeps what is small enough, or looks like JSON. */
class Keeper {
  readonly kept = new Map<string, Uint8Array>();
  readonly #most: number;
  #bytes = 0;
  #documents = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async take(entry: TapeEntry) {
    const { size, content } = entry;
    if (this.#bytes + size <= this.#most) {
      this.#bytes += size;
      return await this.#keep(entry, content);
    }
    if (size > longestDocument || this.#documents + size > mostDocuments) {
      return { content, isKept: false };
    }
    const { bytes, isDocument } = await lookForDocument(content);
    if (!isDocument) return { content: bytes, isKept: false };
    this.#documents += size;
    return await this.#keep(entry, bytes);
  }

  async #keep({ name, size }: TapeEntry, content: AsyncIterable<Uint8Array>) {
    this.kept.set(name, await readBounded(content, size, name));
    return { content, isKept: true };
  }
}

async function lookForDocument(content: AsyncIterable<Uint8Array>) {
  const { head, bytes } = await peek(content, 1);
  return { bytes, isDocument: head[0] === 0x7b || head[0] === 0x5b }; // { or [
}
