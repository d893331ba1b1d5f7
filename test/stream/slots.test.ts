import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Slots } from "../../src/stream/slots.ts";

test("Slots lets in as many as it has, in order, and the next when one leaves or fails", async () => {
  const slots = new Slots(2);
  const started: number[] = [];
  let most = 0;
  let inside = 0;
  const results = await Promise.allSettled(
    [0, 1, 2, 3, 4, 5].map((n) =>
      (async () => {
        using _ = await slots.take();
        started.push(n);
        inside += 1;
        most = Math.max(most, inside);
        await turn();
        inside -= 1;
        if (n === 1) throw new Error("one fails");
      })(),
    ),
  );
  assert.deepEqual(started, [0, 1, 2, 3, 4, 5]);
  assert.equal(most, 2);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled", "fulfilled"],
  );
});

test("Slots has one slot at least", async () => {
  (await new Slots(0).take())[Symbol.dispose]();
});

test("Slots frees a slot once, however often it is disposed of", async () => {
  const slots = new Slots(1);
  const first = await slots.take();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await slots.take();
  let third = false;
  slots.take().then(
    () => {
      third = true;
    },
    () => undefined,
  );
  await turn();
  assert.equal(third, false);
});
