import { createGunzip, createZstdDecompress, type ZlibOptions } from "node:zlib";
import { ContentError, CopyError, KnownError } from "../core/errors.ts";
import type { CompressionFormat } from "./compression-format.ts";
import { pumped, pumpSettings, TrailingBytes, type ZlibStream } from "./zlib-pump.ts";

/** What unpacking may make of a blob. */
export interface DecompressOptions {
  /** How many bytes one byte may become, on the whole, once {@link freeBytes} have come out. */
  readonly maxRatio?: number;
  readonly freeBytes?: number;
}

/** Above what deflate can do at all (1032), so that only other formats' bombs are stopped. */
export const defaultMaxRatio = 1100;

/** Bytes that may come out before the ratio of a packing counts. */
export const defaultFreeBytes = 64 * 1024 * 1024;

const engines: Partial<Record<CompressionFormat, () => ZlibStream>> = {
  gzip: () => createGunzip(pumpSettings as ZlibOptions),
  zstd: () => createZstdDecompress(pumpSettings as object),
};

/**
 * What was packed into `source`: every member or frame there is, one after the other. Like Go's readers, and unlike gzip(1),
 * it takes nothing after the last one, padding neither.
 *
 * @throws {ContentError} `content.bad-compression` where the bytes are broken, end early, go on, or unfold beyond the limit
 * @throws {CopyError} `copy.unsupported` for a format that is only known by its first bytes
 */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  format: CompressionFormat,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const engine = engines[format];
  if (!engine) {
    throw new CopyError("copy.unsupported", `decompressing ${format} is not supported`, {
      hint: "Copy the layers as they are, or repack them with another tool first.",
    });
  }
  const { maxRatio = defaultMaxRatio, freeBytes = defaultFreeBytes } = options;
  let taken = 0;
  let made = 0;
  try {
    for await (const piece of pumped(source, engine(), (bytes) => {
      taken += bytes;
    })) {
      made += piece.byteLength;
      if (made > freeBytes && made > taken * maxRatio) throw bomb(maxRatio);
      yield piece;
    }
  } catch (error) {
    throw broken(error, format);
  }
}

function bomb(maxRatio: number): ContentError {
  return new ContentError(
    "content.bad-compression",
    `decompresses to more than ${maxRatio} times its size`,
  );
}

/** Go's wording for what zlib found; any other error was the source's, and stays as it is. */
function broken(error: unknown, format: CompressionFormat): unknown {
  if (error instanceof KnownError) return error;
  const text = error instanceof TrailingBytes ? trailing(format) : engineText(error, format);
  return text === undefined
    ? error
    : new ContentError("content.bad-compression", text, { cause: error });
}

function trailing(format: CompressionFormat): string {
  return format === "gzip" ? "gzip: invalid header" : "invalid input: magic number mismatch";
}

function engineText(error: unknown, format: CompressionFormat): string | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return;
  if (error.code === "Z_BUF_ERROR") return "unexpected EOF";
  if (error.code.startsWith("ZSTD_")) return `invalid input: ${error.message}`;
  if (!error.code.startsWith("Z_") || format !== "gzip") return;
  if (error.message === "incorrect header check") return "gzip: invalid header";
  if (/^incorrect (data|length) check$/.test(error.message)) return "gzip: invalid checksum";
  return `flate: corrupt input: ${error.message}`;
}
