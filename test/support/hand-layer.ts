import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import { layerId } from "../../src/storage/ids.ts";
import type { NewLayer, StagedLayer } from "../../src/storage/store.ts";
import { type TarEntry, tarOf } from "./tar.ts";

/** A layer of regular files: as a tar, and as what a store has of it. */
export interface HandLayer {
  readonly tar: Buffer;
  readonly diffId: Digest;
  /** Writes the tree and the tar-split file. */
  fill(staged: StagedLayer): void;
  /** What it is recorded as upon this parent. */
  over(parent: string | undefined): NewLayer;
}

/** `handLayer({ "etc/name": "content" })`: unpacked by hand, so that what tests say does not hang on the code that unpacks. */
export function handLayer(files: Readonly<Record<string, string>>): HandLayer {
  const entries = Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  const tar = tarOf(entries);
  const diffId = digestOf(tar);
  return {
    tar,
    diffId,
    fill({ folder, tarSplit }) {
      for (const { name, bytes } of entries) writeTreeFile(join(folder, name), bytes);
      writeFileSync(tarSplit, gzipSync(tarSplitOf(entries, tar)), { mode: 0o600 });
    },
    over: (parent) => ({
      id: layerId(parent, diffId),
      parent,
      diffId,
      diffSize: tar.length,
      compressedDigest: diffId,
      compressedSize: tar.length,
      compression: 0,
      uids: [0],
      gids: [0],
      rootSet: false,
    }),
  };
}

function writeTreeFile(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, bytes, { mode: 0o644 });
  utimesSync(path, 0, 0);
}

/** Lines of what is between the files, and of the files' names and checksums (spec 10.1). */
function tarSplitOf(entries: readonly TarEntry[], tar: Buffer): string {
  const lines: object[] = [];
  let at = 0;
  let from = 0;
  for (const { name, bytes } of entries) {
    at += 512;
    lines.push({ type: 2, payload: tar.subarray(from, at).toString("base64") });
    const payload = bytes.length === 0 ? null : crc64(bytes).toString("base64");
    lines.push({ type: 1, name, ...(bytes.length > 0 && { size: bytes.length }), payload });
    from = at + bytes.length;
    at = from + ((512 - (bytes.length % 512)) % 512);
  }
  lines.push({ type: 2, payload: tar.subarray(from).toString("base64") });
  return lines.map((line, position) => `${JSON.stringify({ ...line, position })}\n`).join("");
}

const mask = (1n << 64n) - 1n;

/** CRC-64/GO-ISO, the slow way. */
function crc64(bytes: Uint8Array): Buffer {
  let crc = mask;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xd800000000000000n : crc >> 1n;
    }
  }
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(crc ^ mask);
  return out;
}
