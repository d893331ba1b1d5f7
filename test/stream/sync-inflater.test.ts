import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { CompressionFormat } from "../../src/stream/compression-format.ts";
import { SyncGzip } from "../../src/stream/sync-gzip.ts";
import { createInflater } from "../../src/stream/sync-inflater.ts";
import { formatOf, packedFile, readable } from "./packed.ts";

const content = Buffer.concat([
  randomBytes(300_000),
  Buffer.alloc(2_000_000, "abc"),
  randomBytes(11),
]);

const steps = [Number.POSITIVE_INFINITY, 65_536, 1000, 97];

function forEachCut(bytes: Buffer, step: number, take: (bytes: Buffer) => void): void {
  for (let at = 0; at < bytes.byteLength; at += step) take(bytes.subarray(at, at + step));
}

function inflated(format: CompressionFormat | undefined, packed: Buffer, step: number): Buffer {
  const pieces: Buffer[] = [];
  const inflater = createInflater(format, (bytes) => void pieces.push(Buffer.from(bytes)));
  forEachCut(packed, step, (bytes) => inflater.write(bytes));
  inflater.end();
  assert.ok(pieces.slice(0, -1).every(({ byteLength }) => byteLength === pieces[0]?.byteLength));
  return Buffer.concat(pieces);
}

const [gzip, zstd] = [gzipSync(content), zstdCompressSync(content)];
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const twice = Buffer.concat([content, content]);

test("createInflater() unfolds every member and frame, however they are cut", () => {
  for (const step of steps) {
    assert.ok(inflated(undefined, content, step).equals(content));
    assert.ok(inflated("gzip", gzip, step).equals(content));
    assert.ok(inflated("gzip", Buffer.concat([gzip, gzip]), step).equals(twice));
    assert.ok(inflated("zstd", zstd, step).equals(content));
    const frames = Buffer.concat([skippable, zstd, skippable, zstd, skippable]);
    assert.ok(inflated("zstd", frames, step).equals(twice));
  }
});

test("createInflater() refuses what breaks off, goes on, or is broken", () => {
  const changed = Buffer.from(gzip);
  changed.fill(0xff, 1000, 1100);
  const bad: readonly (readonly [CompressionFormat, Buffer])[] = [
    ["gzip", Buffer.alloc(0)],
    ["gzip", gzip.subarray(0, -3)],
    ["gzip", gzip.subarray(0, 100)],
    ["gzip", Buffer.concat([gzip, Buffer.alloc(5)])],
    ["gzip", Buffer.concat([gzip, Buffer.from("more")])],
    ["gzip", changed],
    ["zstd", zstd.subarray(0, -2)],
    ["zstd", Buffer.concat([zstd, Buffer.from("more")])],
  ];
  for (const [format, packed] of bad) {
    for (const step of steps.slice(0, 3)) {
      assert.throws(() => inflated(format, packed, step), { code: "content.bad-compression" });
    }
  }
});

test("createInflater() unfolds bzip2 and xz, however they are cut, and refuses what breaks off or goes on", () => {
  for (const [name, plain] of readable) {
    const bytes = packedFile(name);
    for (const step of steps.slice(1, 3)) {
      assert.ok(inflated(formatOf(name), bytes, step).equals(plain), `${name} ${step}`);
    }
    for (const broken of [bytes.subarray(0, -5), Buffer.concat([bytes, Buffer.from("more")])]) {
      const inflate = () => inflated(formatOf(name), broken, 1000);
      assert.throws(inflate, { code: "content.bad-compression" });
    }
  }
});

test("SyncGzip packs what it is given", () => {
  for (const step of steps) {
    const pieces: Buffer[] = [];
    const packer = new SyncGzip(1, (bytes) => void pieces.push(Buffer.from(bytes)));
    forEachCut(content, step, (bytes) => packer.write(bytes));
    packer.end();
    assert.ok(gunzipSync(Buffer.concat(pieces)).equals(content));
  }
});
