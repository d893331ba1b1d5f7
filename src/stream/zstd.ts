import zlib from "node:zlib";
import { pumped, pumpSettings } from "./zlib-pump.ts";

const {
  ZSTD_c_compressionLevel,
  ZSTD_c_windowLog,
  ZSTD_c_hashLog,
  ZSTD_c_chainLog,
  ZSTD_c_checksumFlag,
} = zlib.constants;

/**
 * Level 3 with tables a quarter of its own: they fit a core's cache, which makes it a third faster and 1.4 % larger on layers.
 */
const standard = {
  [ZSTD_c_compressionLevel]: 3,
  [ZSTD_c_windowLog]: 21,
  [ZSTD_c_hashLog]: 16,
  [ZSTD_c_chainLog]: 15,
};

/** Level 11 is about what the Go tools' best comes to; beyond it memory goes to many times a stream's fair share. */
const highestLevel = 11;

/**
 * One zstd frame with `source` in it, checksum included. Any level is taken, as by the Go tools, and brought into the range
 * 1 to 11. One thread a stream: blobs are packed side by side.
 */
export function zstdCompressed(
  source: AsyncIterable<Uint8Array>,
  level?: number,
): AsyncGenerator<Uint8Array, void, void> {
  const settings = {
    ...pumpSettings,
    params: {
      ...(level === undefined ? standard : ofLevel(level)),
      [ZSTD_c_checksumFlag]: 1,
    },
  };
  return pumped(source, zlib.createZstdCompress(settings));
}

function ofLevel(level: number): Record<number, number> {
  return { [ZSTD_c_compressionLevel]: Math.min(highestLevel, Math.max(1, Math.trunc(level))) };
}
