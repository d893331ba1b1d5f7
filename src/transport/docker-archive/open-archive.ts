import { type FileHandle, open } from "node:fs/promises";
import { goQuote } from "../../core/go-quote.ts";
import type { ArchiveFiles } from "../../docker-tar/archive-files.ts";
import { openPlainArchive } from "../../docker-tar/plain-archive.ts";
import { openTapeArchive } from "../../docker-tar/tape-archive.ts";
import { randomAccess } from "../../layout/blob-file.ts";
import { LayoutError, reading } from "../../layout/errors.ts";
import { openPipeReader, statPath } from "../../layout/pipe.ts";
import { spool } from "../../layout/spool.ts";
import { detectCompression, magicBytes } from "../../stream/compression-format.ts";
import { readFully, readRegion } from "../../stream/random-access.ts";
import type { CallOptions } from "../contract/call-options.ts";

/** How archives that cannot be read at any place are read. */
export interface OpenArchiveOptions extends CallOptions {
  /** A folder to keep them in while they are read; without one nothing is kept. */
  readonly spoolFolder?: string;
}

/**
 * Opens the archive at `path`: a plain file is read at any place, a packed one twice from its start, a pipe once.
 *
 * @throws {LayoutError} `layout.missing`, `layout.unreadable`
 * @throws {DockerTarError} `docker-tar.invalid` for what is no tar
 */
export async function openArchive(
  path: string,
  options: OpenArchiveOptions,
): Promise<ArchiveFiles> {
  const { signal } = options;
  const opening = `opening file ${goQuote(path)}`;
  const found = await telling(opening, () => reading(`open ${path}`, () => statPath(path)));
  if (!found.isFile() && !found.isDirectory()) {
    const pipe = await telling(opening, () => openPipeReader(path, signal));
    const hint = "Name a file instead, or a folder to keep it in with --tmpdir";
    const close = async () => await pipe[Symbol.asyncDispose]();
    return await orClosed(close, () => openTape(() => pipe.bytes, { hint }, close, options));
  }
  const handle = await telling(opening, () => reading(`open ${path}`, () => open(path, "r")));
  return await orClosed(
    () => handle.close(),
    () => openFile(handle, path, options),
  );
}

async function orClosed<T>(close: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFile(
  handle: FileHandle,
  path: string,
  options: OpenArchiveOptions,
): Promise<ArchiveFiles> {
  const { size } = await handle.stat();
  const close = () => handle.close();
  const file = randomAccess(handle, path, size);
  const detecting = `detecting compression for file ${goQuote(path)}: detecting compression`;
  const head = await telling(detecting, () => readFully(file, Buffer.alloc(magicBytes), 0));
  if (!detectCompression(head)) return await openPlainArchive(file, close, options);
  const whole = () => readRegion(file, { offset: 0, size }, options.signal);
  return await openTape(whole, { rewinds: true }, close, options);
}

/** Read in its own order, or kept first where the user has named a folder for that. */
async function openTape(
  bytes: () => AsyncIterable<Uint8Array>,
  { rewinds = false, hint }: { readonly rewinds?: boolean; readonly hint?: string },
  close: () => Promise<void>,
  options: OpenArchiveOptions,
): Promise<ArchiveFiles> {
  if (options.spoolFolder === undefined) {
    const tape = { open: bytes, rewinds, close, ...(hint !== undefined && { hint }) };
    return await openTapeArchive(tape, options);
  }
  const kept = await spool(bytes(), options.spoolFolder);
  await close();
  return await openPlainArchive(kept, kept.close, options);
}

async function telling<T>(during: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    throw new LayoutError(error.code, `${during}: ${error.message}`, { cause: error });
  }
}
