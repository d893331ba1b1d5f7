import assert from "node:assert/strict";
import { test } from "node:test";
import { createTransfers } from "../../src/copy/transfers.ts";

const never = new AbortController().signal;

test("Transfers.once() runs one transfer for all who want it and gives all its result", async () => {
  const transfers = createTransfers(2);
  let runs = 0;
  const { promise, resolve } = Promise.withResolvers<number>();
  const work = () => {
    runs++;
    return promise;
  };
  const asked = [1, 2, 3].map(() => transfers.once("place", "blob", work));
  resolve(7);
  const results = await Promise.all(asked);
  assert.equal(runs, 1);
  assert.deepEqual(
    results.map(({ value }) => value),
    [7, 7, 7],
  );
  assert.deepEqual(results.map(({ joined }) => joined).toSorted(), [false, true, true]);
});

test("Transfers.once() lets whoever waited for a failed transfer try for itself", async () => {
  const transfers = createTransfers(2);
  const first = transfers.once("place", "blob", async () => {
    throw new Error("first");
  });
  const second = transfers.once("place", "blob", async () => "second");
  await assert.rejects(first, /first/);
  assert.deepEqual(await second, { value: "second", joined: false });
});

test("Transfers.once() keeps places and contents apart", async () => {
  const transfers = createTransfers(2);
  const values = await Promise.all(
    [
      ["a", "x"],
      ["a", "y"],
      ["b", "x"],
    ].map(([place = "", what = ""]) => transfers.once(place, what, async () => `${place}${what}`)),
  );
  assert.deepEqual(
    values.map(({ value }) => value),
    ["ax", "ay", "bx"],
  );
});

test("Transfers.inSlot() runs no more at once than there are slots, failures included", async () => {
  const transfers = createTransfers(3);
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      transfers.inSlot(never, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (i % 3 === 0) throw new Error("fails");
        return i;
      }),
    ),
  );
  assert.equal(most, 3);
  assert.equal(results.filter(({ status }) => status === "rejected").length, 7);
});

test("Transfers.inSlot() stops waiting when called off, and loses no slot by it", async () => {
  const transfers = createTransfers(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const holding = transfers.inSlot(never, () => promise);
  const stop = new AbortController();
  const waiting = transfers.inSlot(stop.signal, async () => assert.fail("was called off"));
  stop.abort(new Error("called off"));
  await assert.rejects(waiting, /called off/);
  resolve();
  await holding;
  assert.equal(await transfers.inSlot(never, async () => "free"), "free");
});

test("Transfers.once() forgets the results that were asked for longest ago", async () => {
  const transfers = createTransfers(1);
  let runs = 0;
  const ask = (what: string) => transfers.once("place", what, async () => ++runs);
  await ask("first");
  for (let n = 0; n < 1500; n++) await ask(`other ${n}`);
  assert.equal((await ask("first")).joined, true);
  for (let n = 0; n < 1500; n++) await ask(`more ${n}`);
  assert.equal((await ask("first")).joined, true);
  assert.equal((await ask("other 0")).joined, false);
});
