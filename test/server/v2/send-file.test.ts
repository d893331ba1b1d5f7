import assert from "node:assert/strict";
import { type FileHandle, open, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { BufferPool } from "../../../src/server/v2/buffer-pool.ts";
import { call } from "../../support/server/client.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { openRaw } from "../../support/server/raw-socket.ts";
import { startV2Server } from "../../support/server/v2-server.ts";
import { tempFolder } from "../../support/temp.ts";

const size = 3_000_001;
const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
const path = `/v2/app/blobs/${digestOf(bytes)}`;

/** A server whose one blob is in a file; tells which descriptors are open. */
async function start(bufferBytes?: number) {
  const folder = await tempFolder();
  const file = folder.in("blob");
  await writeFile(file, bytes);
  const backend = new MemoryBackend();
  const opened = new Set<FileHandle>();
  backend.openBlob = async () => {
    const handle = await open(file);
    opened.add(handle);
    return {
      size,
      descriptor: handle.fd,
      read: () => assert.fail("read otherwise than from the file"),
      async [Symbol.asyncDispose]() {
        opened.delete(handle);
        await handle.close();
      },
    };
  };
  const limits = bufferBytes === undefined ? {} : { limits: { bufferBytes } };
  const server = await startV2Server({ backendOf: () => backend, ...limits });
  return {
    server,
    file,
    opened,
    origin: server.origin,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const ranges: [range: string | undefined, start: number, end: number][] = [
  [undefined, 0, size],
  ["bytes=0-0", 0, 1],
  ["bytes=262143-262144", 262_143, 262_145],
  ["bytes=262144-", 262_144, size],
  ["bytes=-1", size - 1, size],
  ["bytes=1000000-2048575", 1_000_000, 2_048_576],
];

for (const bufferBytes of [undefined, 0]) {
  const buffers = bufferBytes === 0 ? "without large buffers" : "with large buffers";
  test(`a blob in a file is sent in order and to the byte, ${buffers}`, async () => {
    await using world = await start(bufferBytes);
    for (const [range, from, to] of ranges) {
      const headers = range === undefined ? {} : { Range: range };
      const answer = await call(world.origin, "GET", path, { headers });
      assert.equal(answer.headers["content-length"], String(to - from));
      assert.ok(answer.body.equals(bytes.subarray(from, to)), range ?? "whole");
    }
    await closed(world.opened);
  });
}

/** Waits until no blob is open. */
async function closed(opened: ReadonlySet<FileHandle>): Promise<void> {
  while (opened.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("many read the same blob at once, and one does not read at all", async () => {
  await using world = await start(1024 * 1024);
  const stalled = openRaw(world.server.port);
  stalled.socket.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  await stalled.headers();
  stalled.socket.pause();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call(world.origin, "GET", path)),
  );
  for (const { body } of answers) assert.ok(body.equals(bytes));
  stalled.socket.destroy();
  await closed(world.opened);
});

test("a client that goes away leaves nothing open", async () => {
  await using world = await start();
  for (let at = 0; at < 10; at += 1) {
    const { socket, headers } = openRaw(world.server.port);
    // The second waits behind the first on the same connection.
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`.repeat(2));
    await headers();
    socket.destroy();
  }
  await closed(world.opened);
  assert.equal((await call(world.origin, "GET", path)).body.length, size);
  assert.deepEqual(world.server.messages, []);
});

test("a file that is shorter than it should be is broken off, and told of", async () => {
  await using world = await start();
  await truncate(world.file, 1_000_000);
  await assert.rejects(call(world.origin, "GET", path));
  const event = await world.server.ended(() => true);
  assert.equal(event.complete, false);
  await closed(world.opened);
  const [message] = world.server.messages;
  assert.ok(message?.type === "message" && message.level === "error");
});

test("BufferPool lends large buffers up to its limit, and those given back again", () => {
  const pool = new BufferPool(1024 * 1024);
  const large = Array.from({ length: 4 }, () => pool.take(10_000_000));
  assert.deepEqual(new Set(large.map(({ length }) => length)), new Set([262_144]));
  const small = pool.take(10_000_000);
  assert.equal(small.length, 32_768);
  assert.equal(pool.take(100).length, 100);
  pool.give(small, true);
  const [first] = large;
  assert.ok(first);
  pool.give(first, true);
  assert.equal(pool.take(10_000_000), first);
  assert.equal(pool.take(10_000_000).length, 32_768);
  pool.give(first, false);
  const another = pool.take(10_000_000);
  assert.equal(another.length, 262_144);
  assert.notEqual(another, first);
});
