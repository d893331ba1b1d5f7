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
      slots.run(async () => {
        started.push(n);
        inside += 1;
        most = Math.max(most, inside);
        await turn();
        inside -= 1;
        if (n === 1) throw new Error("one fails");
        return n;
      }),
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
  assert.equal(await new Slots(0).run(async () => "ran"), "ran");
});
