import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pool } from "../../src/stream/pool.ts";

const never = new AbortController().signal;

test("pool() does every item once, in order of start, at most so many at once", async () => {
  for (const limit of [0, 1, 2, 3, 10]) {
    const started: number[] = [];
    let inside = 0;
    let most = 0;
    await pool([0, 1, 2, 3, 4, 5, 6], limit, never, async (n) => {
      started.push(n);
      inside += 1;
      most = Math.max(most, inside);
      await turn();
      inside -= 1;
    });
    assert.deepEqual(started, [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(most, Math.min(7, Math.max(1, limit)));
  }
});

test("pool() of nothing ends at once", async () => {
  await pool([], 4, never, () => Promise.reject(new Error("nobody calls")));
});

test("pool() throws the first failure, after the others were called off and have ended", async () => {
  const first = new Error("first");
  const ended: number[] = [];
  const started: number[] = [];
  const work = async (n: number, signal: AbortSignal) => {
    started.push(n);
    await turn();
    if (n === 1) throw first;
    while (!signal.aborted) await turn();
    ended.push(n);
    throw signal.reason;
  };
  await assert.rejects(pool([0, 1, 2, 3, 4], 3, never, work), (error) => error === first);
  assert.deepEqual(started, [0, 1, 2]);
  assert.deepEqual(ended.sort(), [0, 2]);
});

test("pool() starts no more once its own signal is aborted, and throws that reason", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const started: number[] = [];
  const all = pool([0, 1, 2, 3], 1, stop.signal, async (n) => {
    started.push(n);
    if (n === 1) stop.abort(reason);
  });
  await assert.rejects(all, (error) => error === reason);
  assert.deepEqual(started, [0, 1]);
});

test("pool() throws the reason of a signal that was aborted before", async () => {
  const reason = new Error("before");
  const all = pool([0], 1, AbortSignal.abort(reason), () => Promise.reject(new Error("ran")));
  await assert.rejects(all, (error) => error === reason);
});

test("pool() lets running work end when the list of items itself fails", async () => {
  const failure = new Error("no more items");
  let ended = false;
  function* items() {
    yield 0;
    throw failure;
  }
  const all = pool(items(), 2, never, async () => {
    await turn();
    await turn();
    ended = true;
  });
  await assert.rejects(all, (error) => error === failure);
  assert.equal(ended, true);
});
