import assert from "node:assert/strict";
import { test } from "node:test";
import { HostGate } from "../../src/registry/gate.ts";
import { fastClock } from "./support.ts";

const { signal } = new AbortController();

function gateOf(slots: number) {
  const clock = fastClock();
  return { clock, gate: new HostGate({ clock, random: () => 1, slots }) };
}

/** Whether a promise settles before all that is due now has been done. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("HostGate.enter() lets as many in as there are slots, each lane", async () => {
  const { gate } = gateOf(2);
  const leave = await gate.enter("metadata", signal);
  await gate.enter("metadata", signal);
  const third = gate.enter("metadata", signal);
  assert.equal(await settles(third), false);
  assert.equal(await settles(gate.enter("upload", signal)), true);
  leave();
  leave();
  assert.equal(await settles(third), true);
  assert.equal(await settles(gate.enter("metadata", signal)), false);
});

test("HostGate.enter() lets one in after a pause, and the others when that one was answered well", async () => {
  const { gate, clock } = gateOf(6);
  assert.equal(gate.slowDown(clock.now(), 5000), 5100);
  await gate.enter("metadata", signal);
  assert.deepEqual(clock.slept, [5100]);
  const second = gate.enter("download", signal);
  assert.equal(await settles(second), false);
  gate.succeeded();
  assert.equal(await settles(second), true);
});

test("HostGate.enter() lets the next one in where the first after a pause came to nothing", async () => {
  const { gate, clock } = gateOf(6);
  gate.slowDown(clock.now(), 1000);
  const leave = await gate.enter("metadata", signal);
  const second = gate.enter("metadata", signal);
  leave();
  assert.equal(await settles(second), true);
});

test("HostGate.slowDown() waits longer each time, and counts answers to requests sent at once as one", () => {
  const { gate, clock } = gateOf(6);
  const sentAt = clock.now() - 1;
  assert.equal(gate.slowDown(clock.now(), undefined), 1000);
  assert.ok(gate.slowDown(sentAt, undefined) <= 1000);
  assert.equal(gate.slowDown(clock.now() + 1, undefined), 2000);
});

test("HostGate.slowDown() halves the slots, which come back one by one", async () => {
  const { gate, clock } = gateOf(4);
  gate.slowDown(clock.now(), undefined);
  await clock.sleep(5000, signal);
  gate.succeeded();
  const leave = await gate.enter("metadata", signal);
  await gate.enter("metadata", signal);
  const third = gate.enter("metadata", signal);
  assert.equal(await settles(third), false);
  for (let count = 0; count < 20; count++) gate.succeeded();
  assert.equal(await settles(third), true);
  leave();
});

test("HostGate.enter() gives up with the signal's reason", async () => {
  const { gate } = gateOf(1);
  await gate.enter("metadata", signal);
  const stop = new AbortController();
  const waiting = gate.enter("metadata", stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

test("HostGate.enter() gives a slot to the next where the one that was to have it gave up", async () => {
  const { gate } = gateOf(1);
  const leave = await gate.enter("metadata", signal);
  const stop = new AbortController();
  const first = gate.enter("metadata", stop.signal);
  const second = gate.enter("metadata", signal);
  leave();
  stop.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  assert.equal(await settles(second), true);
});

test("HostGate.enter() lets all in, one after the other, whoever comes in between", async () => {
  const { gate } = gateOf(2);
  let inside = 0;
  let most = 0;
  let passed = 0;
  const pass = async (lane: "metadata" | "upload", turns: number) => {
    const leave = await gate.enter(lane, signal);
    inside += lane === "metadata" ? 1 : 0;
    most = Math.max(most, inside);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    inside -= lane === "metadata" ? 1 : 0;
    passed++;
    leave();
    leave();
  };
  const all: Promise<void>[] = [];
  for (let n = 0; n < 200; n++) {
    all.push(pass(n % 3 === 0 ? "upload" : "metadata", n % 7));
    if (n % 5 === 0) await Promise.resolve();
    if (n % 50 === 0) gate.slowDown(0, 10);
    gate.succeeded();
  }
  assert.equal(await settles(Promise.all(all)), true);
  assert.equal(passed, 200);
  assert.equal(most, 2);
});

test("HostGate.enter() lets each lane in once the first after a pause has come to nothing", async () => {
  const { gate, clock } = gateOf(1);
  gate.slowDown(clock.now(), 1000);
  const leave = await gate.enter("metadata", signal);
  const others = (["download", "upload", undefined] as const).map((lane) =>
    gate.enter(lane, signal),
  );
  assert.equal(await settles(Promise.race(others)), false);
  leave();
  gate.succeeded();
  assert.equal(await settles(Promise.all(others)), true);
});

test("HostGate.enter() has a request that left long ago end nobody else's probe", async () => {
  const { gate, clock } = gateOf(6);
  gate.slowDown(clock.now(), 1000);
  const leave = await gate.enter("metadata", signal);
  leave();
  gate.slowDown(clock.now(), 1000);
  await gate.enter("metadata", signal);
  leave();
  assert.equal(await settles(gate.enter("metadata", signal)), false);
});
