import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import type { HostLimits } from "../../src/sync/coordinator.ts";
import { skipWithout } from "../support/peers.ts";
import { type Meeting, meetAtRedis, meetInMemory, until } from "./coordinators.ts";

const { signal } = new AbortController();
const turn = () => new Promise((resolve) => setImmediate(resolve));
const blob = digestOf(Buffer.from("a blob"));

contract("createLocalCoordinator()", meetInMemory, false);
contract("createRedisCoordinator()", meetAtRedis, skipWithout("redis-server"));

/** What every coordinator keeps. */
function contract(
  name: string,
  meet: (limits: HostLimits) => Promise<Meeting>,
  skip: string | false,
): void {
  const options = { skip, timeout: 120_000 };

  test(
    `${name} lets one at a time work under a key, whatever the worker, and all in the end`,
    options,
    async () => {
      await using meeting = await meet({});
      const workers = [meeting.join(), meeting.join(), meeting.join()];
      let working = 0;
      let most = 0;
      let total = 0;
      const work = async () => {
        most = Math.max(most, ++working);
        await turn();
        working--;
        total++;
      };
      const works = workers.flatMap((worker) =>
        Array.from({ length: 10 }, () => worker.exclusively("a key", signal, work)),
      );
      await Promise.all(works);
      assert.deepEqual({ most, total }, { most: 1, total: 30 });
    },
  );

  test(
    `${name} keeps keys apart, gives what the work gives, and goes on after a failure`,
    options,
    async () => {
      await using meeting = await meet({});
      const worker = meeting.join();
      const nested = worker.exclusively("a", signal, () =>
        worker.exclusively("b", signal, async () => "both"),
      );
      assert.equal(await nested, "both");
      const failing = worker.exclusively("a", signal, async () => {
        throw new Error("no good");
      });
      await assert.rejects(failing, /no good/);
      assert.equal(await worker.exclusively("a", signal, async () => "again"), "again");
    },
  );

  test(`${name} lets who waits give up, and those behind come to their turn`, options, async () => {
    await using meeting = await meet({});
    const [first, second] = [meeting.join(), meeting.join()];
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const holding = first.exclusively("a", signal, async () => {
      begun.resolve();
      await end;
    });
    await begun.promise;
    const stop = new AbortController();
    const nobody = async () => assert.fail("was called off");
    const waiting = [first, second].map((worker) => worker.exclusively("a", stop.signal, nobody));
    const behind = second.exclusively("a", signal, async () => "came");
    stop.abort(new Error("called off"));
    for (const each of waiting) await assert.rejects(each, /called off/);
    resolve();
    await holding;
    assert.equal(await behind, "came");
  });

  test(`${name} does not begin what was called off before`, options, async () => {
    await using meeting = await meet({});
    const worker = meeting.join();
    const over = AbortSignal.abort(new Error("called off"));
    const nobody = async () => assert.fail("was called off");
    await assert.rejects(worker.exclusively("a", over, nobody), /called off/);
    await assert.rejects(worker.ifQuiet("a", 0, over, nobody), /called off/);
    assert.equal(await worker.exclusively("a", signal, async () => 1), 1);
  });

  test(`${name} tells at once that a key is not quiet: held, or held since`, options, async () => {
    await using meeting = await meet({});
    const [first, second] = [meeting.join(), meeting.join()];
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const holding = first.ifQuiet("a", 1000, signal, async () => {
      begun.resolve();
      await end;
      return "moved";
    });
    await begun.promise;
    const nobody = async () => assert.fail("it is not quiet");
    assert.equal(await second.ifQuiet("a", 0, signal, nobody), undefined);
    resolve();
    assert.deepEqual(await holding, { value: "moved" });
    assert.equal(await second.ifQuiet("a", 300_000, signal, nobody), undefined);
    assert.equal(await second.ifQuiet("b", 3_600_000, signal, nobody), undefined); // nobody knows
    assert.deepEqual(await second.ifQuiet("b", 1000, signal, async () => 2), { value: 2 });
    await second.exclusively("a", signal, async () => {});
  });

  test(`${name} lets who waits for a key to be free go on when it is`, options, async () => {
    await using meeting = await meet({});
    const [first, second] = [meeting.join(), meeting.join()];
    await second.free("a", signal);
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const holding = first.exclusively("a", signal, async () => {
      begun.resolve();
      await end;
    });
    await begun.promise;
    let gone = 0;
    const waiting = [first, first, second, second].map(async (worker) => {
      await worker.free("a", signal);
      gone++;
    });
    const stop = new AbortController();
    const givenUp = second.free("a", stop.signal);
    stop.abort(new Error("called off"));
    await assert.rejects(givenUp, /called off/);
    assert.equal(gone, 0);
    resolve();
    await Promise.all([holding, ...waiting]);
    assert.deepEqual(await second.ifQuiet("b", 0, signal, async () => "took none"), {
      value: "took none",
    });
  });

  test(`${name} knows whom it gave blobs, the most recent first`, options, async () => {
    await using meeting = await meet({});
    const [first, second] = [meeting.join(), meeting.join()];
    const places = first.blobPlaces("r.test");
    for (const repository of ["a", "b", "a", "c", "d", "e"]) places.placed(blob, repository);
    places.gone(blob, "d");
    await first.exclusively("then", signal, async () => {});
    assert.deepEqual(await second.blobPlaces("r.test").find(blob, signal), ["e", "c", "a"]);
    assert.deepEqual(await second.blobPlaces("other.test").find(blob, signal), []);
  });

  test(`${name} tells all what a host told one of them`, options, async () => {
    await using meeting = await meet({ keptPulls: 5 });
    const [first, second] = [meeting.join(), meeting.join()];
    const [one, two] = [first.budget("r.test", "ann"), second.budget("r.test", "ann")];
    for (const remaining of [9, 8, 7]) one.heard({ remaining, windowSeconds: 60 });
    await until(() => two.known()?.remaining === 7);
    assert.equal(one.known()?.remaining, 7);
    assert.equal(second.budget("r.test", "bob").known(), undefined);
    const late = meeting.join().budget("r.test", "ann");
    await until(() => late.known()?.remaining === 7);
  });

  test(`${name} gives all workers together no more than a host's rate`, options, async () => {
    await using meeting = await meet({ requestsPerSecond: 50 });
    const budgets = [meeting.join(), meeting.join()].map((each) => each.budget("r.test"));
    const begun = performance.now();
    await Promise.all(
      budgets.flatMap((budget) =>
        Array.from({ length: 15 }, () => budget.spend("requests", 1, signal)),
      ),
    );
    // 30 at 50 a second; what was not used before, and what each buys at once, comes sooner
    assert.ok(performance.now() - begun > 250, "too fast");
    await budgets[0]?.spend("bytes", 1e12, signal); // not limited
  });

  test(`${name} gives back what was to be spent by who gives up`, options, async () => {
    await using meeting = await meet({ bytesPerSecond: 1000 });
    const budget = meeting.join().budget("r.test");
    await budget.spend("bytes", 1000, signal); // the next would be a second later
    const stop = new AbortController();
    const waiting = budget.spend("bytes", 3_600_000, stop.signal);
    setImmediate(() => stop.abort(new Error("called off")));
    await assert.rejects(waiting, /called off/);
    await budget.spend("bytes", 100, signal); // and not an hour
  });
}
