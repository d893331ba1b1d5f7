import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  createRing,
  RingAborted,
  RingReader,
  RingWriter,
} from "../../../src/storage/unpack/byte-ring.ts";

const module = JSON.stringify(new URL("../../../src/storage/unpack/byte-ring.ts", import.meta.url));

/** Reads all there is, and tells how much it was and what it came to. */
const reading = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(${module}).then(({ RingReader }) => {
    const reader = new RingReader(workerData);
    const hash = require("node:crypto").createHash("sha256");
    let length = 0;
    for (let piece = reader.next(); piece; piece = reader.next()) {
      hash.update(piece);
      length += piece.byteLength;
    }
    parentPort.postMessage({ length, digest: hash.digest("hex") });
  });
`;

test("a ring hands on every byte, whatever the sizes of the chunks", async () => {
  const { createHash, randomFillSync } = await import("node:crypto");
  const ring = createRing();
  const writer = new RingWriter(ring);
  const worker = new Worker(reading, { eval: true, workerData: ring });
  const told = new Promise((resolve) => worker.once("message", resolve));
  const bytes = randomFillSync(Buffer.alloc(5 * 1024 * 1024));
  const hash = createHash("sha256");
  let length = 0;
  for (const size of [1, 0, 700, 3 * 1024 * 1024, 65_536, 5 * 1024 * 1024, 3]) {
    const chunk = bytes.subarray(0, size);
    hash.update(chunk);
    length += size;
    assert.equal(await writer.write(chunk), true);
  }
  writer.end("complete");
  assert.deepEqual(await told, { length, digest: hash.digest("hex") });
});

test("a ring tells its reader of the end, and its writer that nobody reads", async () => {
  const ring = createRing();
  const [writer, reader] = [new RingWriter(ring), new RingReader(ring)];
  await writer.write(Buffer.from("hello"));
  assert.equal(reader.next()?.toString(), "hello");
  const stuck = writer.write(Buffer.alloc(10 * 1024 * 1024));
  reader.stop();
  assert.equal(await stuck, false);
  writer.end("aborted");
  assert.throws(() => reader.next(), RingAborted);
  assert.throws(() => reader.check(), RingAborted);
});
