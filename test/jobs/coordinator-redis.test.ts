import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { KnownError } from "../../src/core/errors.ts";
import { skipWithout } from "../support/peers.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { meetAtRedis } from "./coordinators.ts";

const { signal } = new AbortController();
const options = { skip: skipWithout("redis-server"), timeout: 120_000 };

/** A turn begun, to be ended by hand. */
function hold(coordinator: ReturnType<Awaited<ReturnType<typeof meetAtRedis>>["join"]>) {
  const begun = Promise.withResolvers<AbortSignal>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const over = coordinator.exclusively("a", signal, async (lost) => {
    begun.resolve(lost);
    await promise;
  });
  const end = async () => {
    resolve();
    await over;
  };
  return { begun: begun.promise, end };
}

/** Ends when the signal aborts. */
async function aborted(lost: AbortSignal): Promise<unknown> {
  if (!lost.aborted) await once(lost, "abort");
  return lost.reason;
}

test("RedisCoordinator frees the turn of a worker that was killed", options, async () => {
  await using meeting = await meetAtRedis({});
  const file = fileURLToPath(new URL("turn-holder.ts", import.meta.url));
  const leaseMs = 3000;
  const child = spawn(process.execPath, [file, meeting.server.socket, "a", String(leaseMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const other = meeting.join();
  const nobody = async () => assert.fail("it is not free");
  assert.equal(await other.ifQuiet("a", 60_000, signal, nobody), undefined);
  const came = other.exclusively("a", signal, async () => "came");
  child.kill("SIGKILL");
  assert.equal(await came, "came");
});

test(
  "RedisCoordinator gives turns about in the order of asking, whatever the worker",
  options,
  async () => {
    // who waits, and has not asked again for five seconds, is passed over
    await undisturbed(1000, async () => {
      await using meeting = await meetAtRedis({});
      const { Redis } = await import("ioredis");
      const redis = new Redis(meeting.server.socket);
      const [one, two] = [meeting.join(), meeting.join()];
      const { begun, end } = hold(one);
      await begun;
      const story: string[] = [];
      const other = two.exclusively("a", signal, async () => void story.push("two"));
      while ((await redis.zcard("amphora:turn:{a}:line")) === 0);
      redis.disconnect();
      const own = Array.from({ length: 5 }, () =>
        one.exclusively("a", signal, async () => void story.push("one")),
      );
      await end();
      await Promise.all([other, ...own]);
      assert.equal(story[0], "two");
      assert.equal(story.length, 6);
    });
  },
);

test("RedisCoordinator keeps a turn for longer than its lease", options, async () => {
  await using meeting = await meetAtRedis({});
  const { begun, end } = hold(meeting.join({ leaseMs: 400 }));
  const lost = await begun;
  const other = meeting.join();
  const story: string[] = [];
  const waiting = other.exclusively("a", signal, async () => void story.push("next"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  story.push("ended");
  await end();
  await waiting;
  // a machine too busy to renew in time loses it, and is told so: then the next may come at any time
  assert.deepEqual(lost.aborted ? story.toSorted() : story, ["ended", "next"]);
});

test(
  "RedisCoordinator keeps turns, and those who wait, through a restart of Redis",
  options,
  async () => {
    await using meeting = await meetAtRedis({});
    const { begun, end } = hold(meeting.join({ leaseMs: 60_000 }));
    const lost = await begun;
    let came = false;
    const waiting = meeting.join().exclusively("a", signal, async () => {
      came = true;
    });
    await meeting.server.kill();
    const late = meeting.join().exclusively("b", signal, async () => "in the end");
    await meeting.server.start();
    assert.equal(await late, "in the end");
    assert.deepEqual([came, lost.aborted], [false, false]);
    await end();
    await waiting;
  },
);

test(
  "RedisCoordinator tells that a turn is lost where Redis does not answer for its lease",
  options,
  async () => {
    await using meeting = await meetAtRedis({});
    const { begun, end } = hold(meeting.join({ leaseMs: 500 }));
    const lost = await begun;
    meeting.server.freeze();
    const reason = await aborted(lost);
    assert.ok(reason instanceof KnownError && reason.code === "job.lease-lost", String(reason));
    const waiting = meeting.join().exclusively("a", signal, async () => "came");
    meeting.server.thaw();
    assert.equal(await waiting, "came");
    await end();
  },
);

test("RedisCoordinator tells that a turn is lost where Redis forgot it", options, async () => {
  await using meeting = await meetAtRedis({});
  const { begun, end } = hold(meeting.join({ leaseMs: 900 }));
  const lost = await begun;
  const { Redis } = await import("ioredis");
  const redis = new Redis(meeting.server.socket);
  await redis.flushall();
  redis.disconnect();
  const reason = await aborted(lost);
  assert.ok(reason instanceof KnownError && reason.code === "job.lease-lost", String(reason));
  await end();
});

test("RedisCoordinator lets who waits for Redis give up, and be closed", options, async () => {
  await using meeting = await meetAtRedis({ requestsPerSecond: 1 });
  const worker = meeting.join();
  await worker.exclusively("a", signal, async () => {});
  await meeting.server.kill();
  const stop = new AbortController();
  const nobody = async () => assert.fail("nobody can say that it is free");
  const waiting = [
    worker.exclusively("a", stop.signal, nobody),
    worker.ifQuiet("b", 0, stop.signal, nobody),
    worker.budget("r.test").spend("requests", 1, stop.signal),
  ];
  stop.abort(new Error("called off"));
  for (const each of waiting) await assert.rejects(each, /called off/);
  const closing = worker.exclusively("a", signal, nobody);
  await worker[Symbol.asyncDispose]();
  await assert.rejects(closing, /closed/);
});

test(
  "RedisCoordinator gives no quiet turn where another ended on the way to Redis",
  options,
  async () => {
    await undisturbed(300, async () => {
      await using meeting = await meetAtRedis({});
      const [one, far] = [meeting.join(), meeting.join({ sentWithinMs: 1000 })];
      const work = async () => "worked";
      assert.ok(await far.ifQuiet("warm", 0, signal, work)); // connected, and its scripts known
      const { begun, end } = hold(one);
      await begun;
      const asked = far.ifQuiet("a", 0, signal, work);
      await pause(300);
      await end();
      assert.equal(await asked, undefined, "it may have looked before the other had ended");
      // As if it had not been asked, once that has arrived: it is quiet since the other ended, 2 s ago.
      await pause(1300);
      assert.ok(await one.ifQuiet("a", 1600, signal, work));
      await pause(1500);
      assert.ok(await far.ifQuiet("a", 100, signal, work));
    });
  },
);
