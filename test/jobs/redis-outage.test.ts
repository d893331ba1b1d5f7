import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import type { JobError } from "../../src/jobs/errors.ts";
import { openRedisJobs } from "../../src/jobs/redis/open.ts";
import { skipWithout } from "../support/peers.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { insist } from "./contract/faults.ts";
import { jobOf, story } from "./contract/ledger.ts";
import { openAddress } from "./contract/open-address.ts";
import { assertExact, Processes } from "./contract/processes.ts";
import { take } from "./contract/queue.ts";

const options = { timeout: 600_000, skip: skipWithout("redis-server") };

/** Workers and somebody who adds, while something happens to Redis. */
async function workThrough(happen: (server: RedisServer) => Promise<void>): Promise<void> {
  await using server = await startRedis();
  const place = placeAt(server);
  await using jobs = await place.open();
  await using processes = await Processes.on(place, 60_000);
  const keys = Array.from({ length: 60 }, (_, n) => `key${n}`);
  const adding = once(processes.start("add", keys), "exit");
  const workers = [processes.start("work"), processes.start("work")];
  const done = (count: number) =>
    processes.until(
      (lines) => lines.filter(({ what }) => what === "ended").length >= count,
      "ended",
    );
  await done(10);
  await happen(server);
  await done(30);
  await happen(server);
  await adding;
  await processes.untilEnded(keys);
  for (let left = 1; left > 0; await pause(20)) {
    const { waiting, delayed, running } = await jobs.queue.size();
    left = waiting + delayed + running;
  }
  await processes.stop(...workers);
  // Nobody was killed, and no lease has run out: no attempt is counted that was none.
  assert.equal(assertExact(processes.lines()), 0);
}

function placeAt(server: RedisServer) {
  const address = JSON.stringify({ url: server.url });
  return {
    address,
    open: () => openAddress(address),
    [Symbol.asyncDispose]: async () => {},
  };
}

test("Redis queue loses and doubles nothing when Redis is restarted", options, async () => {
  await workThrough(async (server) => {
    await server.kill();
    await server.start();
  });
});

test(
  "Redis queue and ledger say so while Redis does not answer, and go on when it does",
  options,
  async () => {
    await using server = await startRedis();
    const settings = { now: Date.now, patienceMs: 3000, leaseMs: 60_000 };
    const open = (options: Parameters<typeof openRedisJobs>[1]) =>
      insist(() => openRedisJobs<{ readonly n: number }>(server.url, options));
    await using far = await open({ ...settings, patienceMs: 60_000 });
    await using jobs = await open(settings);
    await far.queue.add("a", { n: 1 });
    await using lease = await take(jobs.queue);
    const job = jobOf();
    await far.ledger.create(job);
    const watching = story(jobs.ledger, job.id);
    const waiting = take(jobs.queue);
    for (const [stop, go] of [
      [() => server.freeze(), () => server.thaw()],
      [() => server.kill(), () => server.start()],
    ]) {
      await stop?.();
      const unreachable = { code: "job.queue-unreachable" };
      const asked = [
        jobs.queue.add("x", { n: 1 }),
        jobs.queue.size(),
        lease.done(),
        jobs.ledger.get(job.id),
        jobs.ledger.create(jobOf()),
        jobs.ledger.change(job.id, { state: "running" }),
        jobs.told.version(),
        jobs.told.tell("a", "[]"),
        openRedisJobs(server.url, settings),
      ];
      await Promise.all(asked.map((answer) => assert.rejects(answer, unreachable)));
      await go?.();
    }
    assert.equal(lease.lost.aborted, false);
    await far.ledger.change(job.id, { state: "done" });
    const states = (await watching).map(({ event }) => event.type === "state" && event.state);
    assert.equal(states.at(-1), "done");
    await far.queue.add("b", { n: 2 });
    const keys = new Set([(await waiting).key]);
    assert.ok(keys.has("b") || keys.has("x"), "what was added without an answer may come first");
  },
);

test(
  "Redis queue goes on though Redis went away while it got ready, and can be closed",
  options,
  async () => {
    await using server = await startRedis();
    await import("bullmq"); // so that it is asked at once
    const settings = { now: Date.now, patienceMs: 60_000 };
    for (const isBack of [true, false]) {
      await using jobs = await openRedisJobs<{ readonly n: number }>(server.url, settings);
      server.freeze();
      const asked = assert.rejects(jobs.queue.size(), { code: "job.queue-unreachable" });
      for (let turns = 0; turns < 50; turns++) await turn();
      await server.kill();
      await asked;
      if (!isBack) continue;
      await server.start();
      assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
    }
  },
);

test("openRedisJobs() gives up where nobody answers", options, async () => {
  const settings = { now: Date.now, patienceMs: 1000 };
  await undisturbed(500, () =>
    assert.rejects(openRedisJobs("redis://127.0.0.1:1", settings), (error: JobError) => {
      assert.equal(error.code, "job.queue-unreachable");
      assert.match(String(error.cause), /ECONNREFUSED/);
      return true;
    }),
  );
});
