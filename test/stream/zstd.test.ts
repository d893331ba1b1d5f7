import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import { decompressed } from "../../src/stream/decompression.ts";
import { zstdCompressed } from "../../src/stream/zstd.ts";
import { collect, compressible, cut, scribbled } from "./bytes.ts";
import { skipWithoutTool, throughTool } from "./tools.ts";

const content = compressible(9, 3_000_000);

test("zstdCompressed() makes a frame with a checksum that unpacks to the content", async () => {
  for (const length of [0, 1, 131_072, 131_073, content.byteLength]) {
    const packed = await collect(zstdCompressed(cut(content.subarray(0, length), 65_536)));
    assert.ok(zlib.zstdDecompressSync(packed).equals(content.subarray(0, length)), `${length}`);
    assert.equal(Number(packed[4]) & 4, 4); // Content_Checksum_flag — RFC 8878 § 3.1.1.1.1
  }
});

test("zstdCompressed() gives the same bytes from chunks that die early", async () => {
  const expected = await collect(zstdCompressed(cut(content, 65_536)));
  assert.ok((await collect(zstdCompressed(scribbled(content, 65_536)))).equals(expected));
});

test("zstdCompressed() takes any level, as the Go tools do", async () => {
  const sizes = new Map<number | undefined, number>();
  for (const level of [undefined, 3, 1, -50, 0, 11, 19, 50]) {
    const packed = await collect(zstdCompressed(cut(content, 65_536), level));
    assert.ok(zlib.zstdDecompressSync(packed).equals(content), `${level}`);
    sizes.set(level, packed.byteLength);
  }
  assert.ok(Number(sizes.get(undefined)) < Number(sizes.get(3)) * 1.05);
  assert.equal(sizes.get(-50), sizes.get(1));
  assert.equal(sizes.get(50), sizes.get(11));
  assert.ok(Number(sizes.get(11)) < Number(sizes.get(3)));
});

test("zstdCompressed() and zstd(1) read one another", {
  skip: skipWithoutTool("zstd"),
}, async () => {
  const packed = await collect(zstdCompressed(cut(content, 65_536)));
  assert.ok((await throughTool("zstd", ["-dc"], packed)).equals(content));
  const theirs = await throughTool("zstd", ["-c", "-19"], content);
  assert.ok((await collect(decompressed(scribbled(theirs, 65_536), "zstd"))).equals(content));
});
