import { detectCompression, magicBytes } from "../stream/compression-format.ts";
import { decompressed } from "../stream/decompression.ts";
import { peek } from "../stream/peek.ts";
import type { RandomAccess } from "../stream/random-access.ts";
import { readFully } from "../stream/random-access.ts";
import { readArchiveIndex } from "../stream/tar/archive-index.ts";
import { openRegular, randomAccess } from "./blob-file.ts";
import { reading } from "./errors.ts";
import { PackedArchive } from "./packed-archive.ts";
import { openPipeReader, statPath } from "./pipe.ts";
import { PipedArchive } from "./piped-archive.ts";
import { PlainArchive } from "./plain-archive.ts";
import { spool } from "./spool.ts";

/** One file in an archive, found and not yet read. */
export interface ArchivedFile {
  readonly size: number;
  /** Whether {@link open} can be called again, and with an offset. */
  readonly reopens: boolean;
  /** Its bytes from an offset on; lifetimes are those of blobs' chunks. */
  open(from: number): AsyncIterable<Uint8Array>;
}

/** An archive that is open for reading. */
export interface Archive extends AsyncDisposable {
  /**
   * "any": files in any order, several at once. "rewinds": one at a time, each order at a price, {@link order} being the
   * cheapest. "once": one at a time, and what has passed is gone.
   */
  readonly access: "any" | "rewinds" | "once";
  /** The names of files, those first that are at hand. Of "once": of what has been seen so far and is still there. */
  readonly order: readonly string[];
  /**
   * The file that a name leads to; undefined where there is none.
   *
   * @throws {LayoutError} `layout.unsupported` where it has passed already
   */
  find(name: string, options: { readonly signal: AbortSignal }): Promise<ArchivedFile | undefined>;
  /**
   * The whole of a small file; undefined where there is none.
   *
   * @throws {ContentError} `content.too-large` past `maxBytes`
   * @throws {LayoutError} `layout.unsupported` where it comes behind more than can be kept in memory
   */
  readSmall(
    name: string,
    maxBytes: number,
    options: { readonly signal: AbortSignal },
  ): Promise<Buffer | undefined>;
}

/** How an archive is opened. */
export interface OpenArchiveOptions {
  readonly signal: AbortSignal;
  /** Which of several entries of one name counts. Default "last": as when unpacking. */
  readonly duplicates?: "first" | "last";
  /** Where to put what comes through a pipe, so that it can be read in any order. */
  readonly spoolFolder?: string | undefined;
}

/**
 * Opens a tar, plain or packed: a file, or what can be read once only.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unreadable`
 * @throws {ContentError} `content.bad-tar`, `content.bad-compression`
 */
export async function openArchive(path: string, options: OpenArchiveOptions): Promise<Archive> {
  const found = await reading(`open ${path}`, () => statPath(path));
  if (found.isFile() || found.isDirectory()) {
    const handle = await openRegular(path);
    const file = randomAccess(handle, path, found.size);
    const close = () => handle.close();
    const owner = { [Symbol.asyncDispose]: close };
    return await openedOr(owner, () => archiveIn(file, close, options));
  }
  const pipe = await openPipeReader(path, options.signal);
  return await openedOr(pipe, () => pipedArchive(pipe.bytes, path, pipe, options));
}

/** Closes `resource` where it could not be made use of. */
async function openedOr<T>(resource: AsyncDisposable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await resource[Symbol.asyncDispose]();
    throw error;
  }
}

/** The archive that comes in `bytes`, which can be read once. Disposing of it disposes of `source`. */
async function pipedArchive(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  source: AsyncDisposable,
  options: OpenArchiveOptions,
): Promise<Archive> {
  const { head, bytes: all } = await peek(bytes, magicBytes);
  const format = detectCompression(head);
  if (options.spoolFolder === undefined) {
    const plain = format ? decompressed(all, format) : all;
    return new PipedArchive(plain, path, source, options.duplicates ?? "last");
  }
  const kept = await spool(all, options.spoolFolder);
  await source[Symbol.asyncDispose]();
  return await openedOr({ [Symbol.asyncDispose]: () => kept.close() }, async () => {
    const index = await readArchiveIndex(kept, options);
    return new PlainArchive(kept, index, () => kept.close());
  });
}

async function archiveIn(
  file: RandomAccess,
  close: () => Promise<void>,
  options: OpenArchiveOptions,
): Promise<Archive> {
  const head = await readFully(file, Buffer.alloc(magicBytes), 0);
  const format = detectCompression(head);
  if (!format) return new PlainArchive(file, await readArchiveIndex(file, options), close);
  return await PackedArchive.open(file, format, close, options);
}
