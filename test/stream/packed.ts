import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { DecodedFormat } from "../../src/stream/decoder/decoder.ts";

/** A file of test/fixtures/packed. */
export function packedFile(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/packed/${name}`, import.meta.url));
}

/** The tar that those called `layer` have in them. */
export const layer = gunzipSync(packedFile("layer.gz"));

/** What those called `lines` have in them. */
export const lines = Buffer.from(
  Array.from({ length: 20_000 }, (_, line) => `line ${line} of text\n`).join(""),
);

/** All that can be read, with what it unpacks to. */
export const readable: readonly (readonly [name: string, content: Buffer])[] = [
  ["layer.bz2", layer],
  ["layer-streams.bz2", layer],
  ["layer.xz", layer],
  ["layer-crc32.xz", layer],
  ["layer-sha256.xz", layer],
  ["layer-unchecked.xz", layer],
  ["layer-streams.xz", layer],
  ["layer-1gib.xz", layer],
  ["lines.bz2", lines],
  ["lines.xz", lines],
  ["lines-odd.xz", lines],
];

export function formatOf(name: string): DecodedFormat {
  return name.endsWith(".xz") ? "xz" : "bzip2";
}
