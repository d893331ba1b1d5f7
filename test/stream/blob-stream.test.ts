import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { BlobStream, type BlobStreamOptions } from "../../src/stream/blob-stream.ts";
import { randomBytesOf } from "../support/random.ts";
import { codeOf, collect, cut, failureOf, scribbled } from "./bytes.ts";

const content = randomBytesOf(4, 20 * 1024 * 1024);
const small = content.subarray(0, 1000);

function blobOf(
  bytes: Uint8Array,
  chunk: number,
  options: BlobStreamOptions = { reopens: true },
  opened: number[] = [],
): BlobStream {
  const descriptor = { mediaType: "x", digest: digestOf(bytes), size: bytes.byteLength };
  const open = (from: number) => {
    opened.push(from);
    return scribbled(bytes.subarray(from), chunk);
  };
  return new BlobStream(descriptor, open, options);
}

test("BlobStream gives its bytes once", async () => {
  const blob = blobOf(small, 300);
  assert.deepEqual(await collect(blob), small);
  assert.throws(
    () => blob[Symbol.asyncIterator](),
    (error) => codeOf(error) === "content.taken-twice",
  );
});

test("BlobStream lets its first bytes be looked at without losing any", async () => {
  for (const chunk of [1, 2, 5, 6, 7, 300, 5000]) {
    const blob = blobOf(small, chunk);
    const head = Buffer.from(await blob.peek(6)).subarray(0, 6);
    assert.deepEqual(head, small.subarray(0, 6), `${chunk}`);
    assert.deepEqual(Buffer.from(await blob.peek(6)).subarray(0, 6), head); // asked again: the same
    assert.deepEqual(await collect(blob), small, `${chunk}`);
  }
});

test("BlobStream.peek() shows what there is of a short blob, and verifies it", async () => {
  assert.equal((await blobOf(Buffer.alloc(0), 1).peek(6)).byteLength, 0);
  assert.equal((await blobOf(small.subarray(0, 3), 1).peek(6)).byteLength, 3);
  const descriptor = { mediaType: "x", digest: digestOf(small), size: 3 };
  const wrong = new BlobStream(descriptor, () => cut(Buffer.from("abc"), 1), { reopens: false });
  await assert.rejects(wrong.peek(6), (error) => codeOf(error) === "content.digest-mismatch");
  assert.equal(codeOf(wrong.failure), "content.digest-mismatch");
});

test("BlobStream.again() goes on from any offset, and verifies the whole", async () => {
  const opened: number[] = [];
  const blob = blobOf(content, 1_000_000, { reopens: true }, opened);
  const offsets = [20_000_000, 19_999_999, 9_000_000, 8_999_999, 12_345_678, 1, 0];
  for await (const _ of blob) {
    // a whole pass, so that all states are saved
  }
  for (const from of offsets) {
    assert.deepEqual(await collect(blob.again(from)), content.subarray(from), `${from}`);
  }
  assert.deepEqual(opened.slice(0, 3), [0, 18_000_000, 18_000_000]);
  assert.equal(opened.at(-1), 0);
  assert.ok(opened.every((from, i) => i === 0 || from <= (offsets[i - 1] ?? 0)));
});

test("BlobStream.again() refuses bytes that changed in between", async () => {
  let bytes: Uint8Array = content;
  const descriptor = { mediaType: "x", digest: digestOf(content), size: content.byteLength };
  const blob = new BlobStream(descriptor, (from) => cut(bytes.subarray(from), 1_000_000), {
    reopens: true,
  });
  let seen = 0;
  for await (const chunk of blob) {
    seen += chunk.byteLength;
    if (seen > 10_000_000) break;
  }
  bytes = Buffer.alloc(content.byteLength);
  assert.equal(await failureOf(blob.again(seen)), "content.digest-mismatch");
});

test("BlobStream.again() is refused where the source cannot be opened twice", () => {
  assert.throws(
    () => blobOf(small, 10, { reopens: false }).again(0),
    (error) => codeOf(error) === "content.no-rewind",
  );
});

test("BlobStream closes its source once, read or not", async () => {
  let released = 0;
  const release = () => {
    released += 1;
  };
  for (const use of [
    async () => undefined,
    (blob: BlobStream) => collect(blob),
    (blob: BlobStream) => blob.peek(6),
  ]) {
    released = 0;
    const blob = blobOf(small, 100, { reopens: true, release });
    await use(blob);
    assert.equal(released, 0);
    await blob[Symbol.asyncDispose]();
    await blob[Symbol.asyncDispose]();
    assert.equal(released, 1);
  }
});

test("BlobStream.failure and watch() tell how reading went", async () => {
  const blob = blobOf(small, 300);
  const offsets: number[] = [];
  blob.watch((offset) => offsets.push(offset));
  await collect(blob);
  assert.deepEqual(offsets, [300, 600, 900, 1000]);
  assert.equal(blob.failure, undefined);
});
