import zlib from "node:zlib";
import { pumped, pumpSettings } from "./zlib-pump.ts";

const { ZSTD_c_compressionLevel, ZSTD_c_windowLog, ZSTD_c_checksumFlag } = zlib.constants;

const defaultLevel = 3;

/** Level 11 is about what the Go tools' best comes to; beyond it memory goes to many times a stream's fair share. */
const highestLevel = 11;

/**
 * One zstd frame with `source` in it, checksum included. Any level is taken, as by the Go tools, and brought into the range
 * 1 to 11. One thread a stream: blobs are packed side by side.
 */
export function zstdCompressed(
  source: AsyncIterable<Uint8Array>,
  level: number = defaultLevel,
): AsyncGenerator<Uint8Array, void, void> {
  const settings = {
    ...pumpSettings,
    params: {
      [ZSTD_c_compressionLevel]: Math.min(highestLevel, Math.max(1, Math.trunc(level))),
      [ZSTD_c_windowLog]: 20,
      [ZSTD_c_checksumFlag]: 1,
    },
  };
  return pumped(source, zlib.createZstdCompress(settings));
}
