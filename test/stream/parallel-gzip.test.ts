import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";
import { gzipBlockBytes } from "../../src/stream/gzip-blocks.ts";
import { ParallelGzip } from "../../src/stream/parallel-gzip.ts";
import { randomBytesOf } from "../support/random.ts";
import { codeOf, collect, compressible, cut, scribbled } from "./bytes.ts";
import { skipWithoutTool, throughTool } from "./tools.ts";

const gzip = new ParallelGzip(2);
const content = compressible(6, 10 * gzipBlockBytes + 12_345);

/** The members of a gzip file, found by unpacking one at a time. */
function memberCount(packed: Buffer): number {
  const { engine } = zlib.inflateRawSync(packed.subarray(10), { info: true }) as unknown as {
    engine: { bytesWritten: number };
  };
  return 10 + engine.bytesWritten + 8 === packed.byteLength ? 1 : 2;
}

test("ParallelGzip makes one member that unpacks to the content, whatever its length", async () => {
  const lengths = [0, 1, 100, 32_768, 32_769, gzipBlockBytes - 1, gzipBlockBytes];
  for (const length of [...lengths, gzipBlockBytes + 1, content.byteLength]) {
    const packed = await collect(gzip.packed(cut(content.subarray(0, length), 65_536)));
    assert.ok(zlib.gunzipSync(packed).equals(content.subarray(0, length)), `${length}`);
    assert.equal(memberCount(packed), 1, `${length}`);
  }
});

test("ParallelGzip gives the same bytes however its input is cut and however many slots there are", async () => {
  const expected = await collect(gzip.packed(cut(content, content.byteLength)));
  for (const size of [1009, 65_536, gzipBlockBytes, gzipBlockBytes + 1]) {
    for (const count of [1, 3]) {
      const packed = new ParallelGzip(count).packed(scribbled(content, size));
      assert.ok((await collect(packed)).equals(expected), `${size} ${count}`);
    }
  }
});

test("ParallelGzip refers back across the ends of its blocks", async () => {
  const piece = randomBytesOf(7, 16_384);
  const repeated = Buffer.concat(Array.from({ length: 200 }, () => piece));
  const packed = await collect(gzip.packed(cut(repeated, 65_536)));
  assert.ok(
    packed.byteLength < piece.byteLength + repeated.byteLength / 50,
    `${packed.byteLength}`,
  );
});

test("ParallelGzip takes Go's levels, and refuses others in Go's words", async () => {
  const sizes: number[] = [];
  for (const level of [-2, 0, 1, 4, 6, 9, -1]) {
    const packed = await collect(gzip.packed(cut(content, 65_536), level));
    assert.ok(zlib.gunzipSync(packed).equals(content), `${level}`);
    sizes.push(packed.byteLength);
  }
  const [huffman = 0, stored = 0, one = 0, four = 0, six = 0, nine = 0, standard = 0] = sizes;
  assert.ok(stored > content.byteLength && huffman > one, `${sizes}`);
  assert.ok(one > four && four > six && six >= nine, `${sizes}`);
  assert.ok(standard >= nine && standard < 1.02 * four, `${sizes}`);
  for (const level of [10, -3, 100, 1.5, Number.NaN]) {
    await assert.rejects(
      collect(gzip.packed(cut(content, 65_536), level)),
      (error: Error) =>
        codeOf(error) === "content.bad-compression" &&
        error.message === `gzip: invalid compression level: ${level}`,
    );
  }
});

test("ParallelGzip is read by gzip(1)", { skip: skipWithoutTool("gzip") }, async () => {
  const packed = await collect(gzip.packed(cut(content, 65_536)));
  assert.ok((await throughTool("gzip", ["-dc"], packed)).equals(content));
});

test("ParallelGzip grows what cannot be packed by no more than two thousandths", async () => {
  const noise = randomBytesOf(8, 4 * gzipBlockBytes);
  const packed = await collect(gzip.packed(cut(noise, 65_536)));
  assert.ok(zlib.gunzipSync(packed).equals(noise));
  assert.ok(packed.byteLength < noise.byteLength * 1.002, `${packed.byteLength}`);
});

test("ParallelGzip reads no further ahead than its blocks reach", async () => {
  let given = 0;
  async function* source() {
    for await (const chunk of cut(Buffer.alloc(40 * gzipBlockBytes), 65_536)) {
      given += chunk.byteLength;
      yield chunk;
    }
  }
  let ahead = 0;
  let read = -1; // the header comes first
  for await (const _ of gzip.packed(source())) {
    ahead = Math.max(ahead, given - read * gzipBlockBytes);
    read += 1;
  }
  assert.ok(ahead <= 6 * gzipBlockBytes, `${ahead}`);
});

test("ParallelGzip throws the source's failure, and frees its slots whenever it ends", async () => {
  const gone = new Error("connection lost");
  const one = new ParallelGzip(1);
  async function* failing(after: number) {
    let given = 0;
    for await (const chunk of cut(content, 500_000)) {
      if (given++ === after) throw gone;
      yield chunk;
    }
  }
  for (const after of [0, 1, 3, 5]) {
    await assert.rejects(collect(one.packed(failing(after))), (error) => error === gone);
  }
  let chunks = 0;
  for await (const _ of one.packed(cut(content, 65_536))) {
    if (++chunks === 2) break;
  }
  assert.ok(zlib.gunzipSync(await collect(one.packed(cut(content, 65_536)))).equals(content));
});
