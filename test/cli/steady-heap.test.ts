import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { steadyWhenLong } from "../../src/cli/steady-heap.ts";
import type { SyncEvent } from "../../src/sync/events.ts";

const ended = { type: "image-ended" } as SyncEvent;

test("steadyWhenLong() has the heap collected every few hundred images, and passes on what it is told", async () => {
  const told: SyncEvent[] = [];
  const report = steadyWhenLong((event) => told.push(event));
  for (const round of [1, 2]) {
    const left = new WeakRef({ of: "an image" });
    for (let n = 0; n < 511; n++) report(ended);
    await turn(); // until then a WeakRef that was made keeps what it refers to
    report({ type: "listing-failed" } as SyncEvent);
    report(ended);
    assert.equal(left.deref(), undefined);
    assert.equal(told.length, round * 513);
  }
});
