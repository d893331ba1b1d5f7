import { createGunzip, createZstdDecompress, type ZlibOptions } from "node:zlib";
import type { CompressionFormat } from "./compression-format.ts";
import { decoded } from "./decoder/decoded.ts";
import { brokenCompression, unfoldsTooFar } from "./decompression-errors.ts";
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

/** Unpacks a source, and tells how much of it was taken. */
type Unpack = (
  source: AsyncIterable<Uint8Array>,
  onInput: (bytes: number) => void,
) => AsyncGenerator<Uint8Array, void, void>;

const unpacks: Readonly<Record<CompressionFormat, Unpack>> = {
  gzip: byEngine(() => createGunzip(pumpSettings as ZlibOptions)),
  zstd: byEngine(() => createZstdDecompress(pumpSettings as object)),
  bzip2: (source, onInput) => decoded(source, "bzip2", onInput),
  xz: (source, onInput) => decoded(source, "xz", onInput),
};

function byEngine(create: () => ZlibStream): Unpack {
  return (source, onInput) => pumped(source, create(), onInput);
}

/**
 * What was packed into `source`: every member, frame or stream there is, one after the other. Like Go's readers, and unlike
 * gzip(1), it takes nothing after the last one, padding neither, but xz's own.
 *
 * @throws {ContentError} `content.bad-compression` where the bytes are broken, end early, go on, or unfold beyond the limit
 */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  format: CompressionFormat,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const { maxRatio = defaultMaxRatio, freeBytes = defaultFreeBytes } = options;
  let taken = 0;
  let made = 0;
  try {
    const onInput = (bytes: number) => {
      taken += bytes;
    };
    for await (const piece of unpacks[format](source, onInput)) {
      made += piece.byteLength;
      if (made > freeBytes && made > taken * maxRatio) throw unfoldsTooFar(maxRatio);
      yield piece;
    }
  } catch (error) {
    throw brokenCompression(error, format);
  }
}
