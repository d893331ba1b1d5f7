import { createGunzip, createZstdDecompress, type ZlibOptions } from "node:zlib";
import type { CompressionFormat } from "./compression-format.ts";
import { brokenCompression, unfoldsTooFar, unsupportedFormat } from "./decompression-errors.ts";
import { pumped, pumpSettings, type ZlibStream } from "./zlib-pump.ts";

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
  if (!engine) throw unsupportedFormat(format);
  const { maxRatio = defaultMaxRatio, freeBytes = defaultFreeBytes } = options;
  let taken = 0;
  let made = 0;
  try {
    for await (const piece of pumped(source, engine(), (bytes) => {
      taken += bytes;
    })) {
      made += piece.byteLength;
      if (made > freeBytes && made > taken * maxRatio) throw unfoldsTooFar(maxRatio);
      yield piece;
    }
  } catch (error) {
    throw brokenCompression(error, format);
  }
}
