import { readFileSync } from "node:fs";
import zlib from "node:zlib";
import { Compression } from "../../src/stream/recompress.ts";
import { compressible, cut } from "./bytes.ts";

/** Packs six streams side by side, each of so many MiB, and prints its own peak memory in MiB: `FORMAT MIB`. */
const [format, mib] = process.argv.slice(2);
const unit = compressible(20, 1024 * 1024);
const packedUnit = zlib.gzipSync(unit, { level: 1 });
const compression = new Compression({ parallel: 2 });

/** Chunks cut from one piece of memory, so that the source itself weighs nothing. */
async function* source(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < Number(mib); n++) yield* cut(bytes, 262_144);
}

async function pack(): Promise<void> {
  const made =
    format === "gzip"
      ? compression.recompressed(source(unit), { decompress: false, compress: "gzip" }, "x")
      : compression.recompressed(source(packedUnit), { decompress: true, compress: "zstd" }, "x");
  for await (const _ of made) {
    // only the memory counts
  }
}

await Promise.all(Array.from({ length: 6 }, pack));
// Not resourceUsage().maxRSS: Linux begins that with the peak of the process that started this one.
const [, peakKib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
console.log(Number(peakKib) / 1024);
