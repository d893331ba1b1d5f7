import { posix } from "node:path";
import { ContentError, KnownError } from "../core/errors.ts";
import { goQuote } from "../core/go-quote.ts";
import type { OpenBytes } from "../stream/blob-stream.ts";
import { readBounded } from "../stream/bounded.ts";
import {
  type CompressionFormat,
  detectCompression,
  magicBytes,
} from "../stream/compression-format.ts";
import { decompressed } from "../stream/decompression.ts";
import { peek } from "../stream/peek.ts";
import type { ArchiveEntry } from "../stream/tar/archive-entry.ts";
import type { ArchiveIndex } from "../stream/tar/archive-index.ts";
import { DockerTarError, invalid } from "./errors.ts";

/** Calls that may wait can be called off. */
export interface ReadOptions {
  readonly signal: AbortSignal;
}

/** What a file unpacks to, from any offset where the file is at hand. */
export interface PlainFile {
  readonly size: number;
  readonly open: OpenBytes;
}

/** The files of an archive, by the names that its manifest.json has for them. Dispose of it to close the archive. */
export interface ArchiveFiles extends AsyncDisposable {
  /** "tape": of those files that {@link isAtHand} does not know, each comes once, by {@link placeOf}. */
  readonly access: "any" | "tape";
  /** @throws {DockerTarError} `docker-tar.invalid` where there is no such file, or it is longer */
  readSmall(name: string, maxBytes: number, options: ReadOptions): Promise<Uint8Array>;
  /** The length of what a file unpacks to: undefined where there is no such file, −1 where only reading it would tell. */
  plainSize(name: string, options: ReadOptions): Promise<number | undefined>;
  /** What a file unpacks to. Where its length was not known before, the tape is brought to it. */
  openPlain(name: string, options: ReadOptions): Promise<PlainFile>;
  /** Whether the file can be read at any time, and again. */
  isAtHand(name: string): boolean;
  /** Tells which of two files comes first. */
  placeOf(name: string): number;
}

/** The file behind a name. @throws {DockerTarError} `docker-tar.invalid`, in Go's words */
export function requireFile(index: ArchiveIndex, name: string): ArchiveEntry {
  const clean = posix.normalize(name);
  const file = index.file(clean);
  if (file) return file;
  const other = index.entry(clean);
  const why =
    other && other.kind !== "symlink"
      ? `Error reading tar archive component ${goQuote(other.name + (other.kind === "folder" ? "/" : ""))}: not a regular file`
      : "file does not exist";
  throw notLoaded(name, why);
}

/** The whole of a file, told as loading it where that fails. */
export async function readWhole(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    return await readBounded(bytes, maxBytes, name);
  } catch (error) {
    if (!(error instanceof ContentError) || error.code !== "content.too-large") throw error;
    throw invalid(`exceeded maximum allowed size of ${maxBytes} bytes`, error);
  }
}

/** What was wrong when a file was looked for. */
export function notLoaded(name: string, why: unknown): unknown {
  const text = typeof why === "string" ? why : why instanceof KnownError ? why.message : undefined;
  if (text === undefined) return why;
  const code = why instanceof DockerTarError ? why.code : "docker-tar.invalid";
  const hint = why instanceof KnownError ? why.hint : undefined;
  return new DockerTarError(code, `loading tar component ${goQuote(name)}: ${text}`, {
    cause: why instanceof Error ? why : undefined,
    ...(hint !== undefined && { hint }),
  });
}

/** What `bytes` unpack to, and whether they were packed at all. */
export async function unpacked(bytes: AsyncIterable<Uint8Array>): Promise<{
  readonly format: CompressionFormat | undefined;
  readonly plain: AsyncIterableIterator<Uint8Array, void, void>;
}> {
  const { head, bytes: all } = await peek(bytes, magicBytes);
  const format = detectCompression(head);
  return { format, plain: format ? decompressed(all, format) : all };
}

/** What `bytes` unpack to, from an offset of that on. */
export async function* plainFrom(
  bytes: AsyncIterable<Uint8Array>,
  from: number,
): AsyncGenerator<Uint8Array, void, void> {
  const { plain } = await unpacked(bytes);
  let left = from;
  for await (const chunk of plain) {
    if (left < chunk.byteLength) yield left > 0 ? chunk.subarray(left) : chunk;
    left = Math.max(0, left - chunk.byteLength);
  }
}

/** How many bytes come. */
export async function lengthOf(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.byteLength;
  return length;
}
