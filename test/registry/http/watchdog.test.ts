import assert from "node:assert/strict";
import { test } from "node:test";
import { never, periodFor, Watchdog } from "../../../src/registry/http/watchdog.ts";

test("Watchdog.tick() comes once a period, and a deadline is kept but never early", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const watchdog = new Watchdog(100);
  const due: number[] = [];
  let now = 0;
  const deadline = () => watchdog.deadline(250);
  const watched = {
    tick(tick: number) {
      if (tick >= limit && due.length === 0) due.push(now);
    },
  };
  watchdog.watch(watched);
  t.mock.timers.tick(50);
  const limit = deadline();
  for (now = 50; now < 1000; now += 50) t.mock.timers.tick(50);
  const [at = 0] = due;
  assert.ok(at - 50 >= 250 && at - 50 <= 450, `due after ${at - 50} ms`);
});

test("Watchdog.unwatch() of the last stops the timer", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const watchdog = new Watchdog(100);
  let ticks = 0;
  const watched = { tick: () => ticks++ };
  watchdog.watch(watched);
  t.mock.timers.tick(200);
  watchdog.unwatch(watched);
  t.mock.timers.tick(200);
  watchdog.watch(watched);
  t.mock.timers.tick(100);
  assert.equal(ticks, 3);
});

test("never is no deadline", () => {
  assert.ok(Number.MAX_SAFE_INTEGER < never);
});

test("periodFor() is an eighth of the shortest time-out, within bounds", () => {
  assert.equal(periodFor([60_000, 15_000]), 1000);
  assert.equal(periodFor([60_000, 800]), 100);
  assert.equal(periodFor([1]), 5);
});
