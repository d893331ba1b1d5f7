import assert from "node:assert/strict";
import { test } from "node:test";
import { peek } from "../../src/stream/peek.ts";
import { collect, cut, scribbled } from "./bytes.ts";

const content = Buffer.from("the quick brown fox jumps over the lazy dog");

test("peek() shows the first bytes and loses none, however they are cut", async () => {
  for (const size of [1, 2, 3, 5, 6, 7, 40, 100]) {
    for (const count of [0, 1, 6, 40, 43, 44, 1000]) {
      const { head, bytes } = await peek(scribbled(content, size), count);
      const all = await collect(bytes);
      assert.deepEqual(all, content, `${size} ${count}`);
      assert.deepEqual(Buffer.from(head), content.subarray(0, count), `${size} ${count}`);
    }
  }
});

test("peek() shows nothing of nothing", async () => {
  const { head, bytes } = await peek(cut(Buffer.alloc(0), 1), 6);
  assert.equal(head.byteLength, 0);
  assert.equal((await collect(bytes)).byteLength, 0);
});

test("peek() asks for no more than it needs", async () => {
  let asked = 0;
  async function* counted() {
    for await (const chunk of cut(content, 10)) {
      asked += 1;
      yield chunk;
    }
  }
  await peek(counted(), 10);
  assert.equal(asked, 1);
});

test("peek() passes an early end on to the source, even where nothing else was read", async () => {
  let ended = false;
  async function* source() {
    try {
      yield content;
      yield content;
    } finally {
      ended = true;
    }
  }
  const { bytes } = await peek(source(), 6);
  await bytes.return?.();
  assert.equal(ended, true);
  assert.deepEqual(await bytes.next(), { done: true, value: undefined });
});

test("peek() throws what the source throws", async () => {
  // biome-ignore lint/correctness/useYield: a source that fails at once
  async function* broken(): AsyncGenerator<Uint8Array> {
    throw new Error("gone");
  }
  await assert.rejects(peek(broken(), 6), /gone/);
});
