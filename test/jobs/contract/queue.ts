import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobQueue, Lease } from "../../../src/jobs/queue.ts";
import { undisturbed } from "../../support/undisturbed.ts";
import type { JobsWorld, TestJob } from "./world.ts";

/** For what comes at once, on however busy a machine. */
const longMs = 60_000;

/** The next lease of a queue. */
export async function take(queue: JobQueue<TestJob>): Promise<Lease<TestJob>> {
  const signal = AbortSignal.timeout(longMs);
  for await (const lease of queue.leases({ signal })) return lease;
  throw new Error("no lease");
}

/** Takes and ends as many as there are; gives their keys. */
export async function drain(queue: JobQueue<TestJob>): Promise<readonly string[]> {
  const keys: string[] = [];
  for (;;) {
    const { waiting } = await queue.size();
    if (waiting === 0) return keys;
    const lease = await take(queue);
    keys.push(lease.key);
    await lease.done();
  }
}

async function add(queue: JobQueue<TestJob>, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) assert.equal(await queue.add(key, { n: key.length }), "added");
}

/** What every queue does, in one process. */
export function queueContract(world: JobsWorld): void {
  const { name, skip } = world;
  const options = { skip, timeout: 3 * longMs };

  test(`${name} queue gives jobs in the order in which they came`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const keys = Array.from({ length: 20 }, (_, n) => `job ${n} @:/ü`);
    await add(jobs.queue, ...keys);
    assert.deepEqual(await drain(jobs.queue), keys);
    assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
  });

  test(`${name} queue gives a job as it was added`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await jobs.queue.add("a", { n: 7 });
    await using lease = await take(jobs.queue);
    assert.deepEqual([lease.key, lease.job, lease.attempt], ["a", { n: 7 }, 1]);
    assert.equal(lease.lost.aborted, false);
  });

  test(
    `${name} queue takes a key once while it waits or runs, and again later`,
    options,
    async () => {
      await using place = await world.place();
      await using jobs = await place.open();
      await using other = await place.open();
      await add(jobs.queue, "a");
      assert.equal(await other.queue.add("a", { n: 2 }), "already-there");
      const first = await take(jobs.queue);
      assert.equal(await other.queue.add("a", { n: 3 }), "already-there");
      await first.done();
      assert.equal(await other.queue.add("a", { n: 4 }), "added");
      const second = await take(jobs.queue);
      assert.deepEqual([second.job, second.attempt], [{ n: 4 }, 1]);
      await second.bury("of no use");
      assert.equal(await jobs.queue.add("a", { n: 5 }), "added");
      const third = await take(jobs.queue);
      assert.deepEqual([third.job, third.attempt], [{ n: 5 }, 1]);
      await third.again({ notBefore: new Date(Date.now() + longMs) });
      assert.equal(await jobs.queue.add("a", { n: 6 }), "already-there");
    },
  );

  test(
    `${name} queue holds what is delayed until its time, the earliest first`,
    options,
    async () => {
      await using place = await world.place();
      await using jobs = await place.open();
      await jobs.queue.size(); // what takes its time the first time is over then
      const start = Date.now();
      await jobs.queue.add("late", { n: 1 }, { notBefore: new Date(start + 1500) });
      await jobs.queue.add("never", { n: 1 }, { notBefore: new Date(start + 10 * longMs) });
      await jobs.queue.add("early", { n: 1 }, { notBefore: new Date(start + 1000) });
      await jobs.queue.add("past", { n: 1 }, { notBefore: new Date(start - 1000) });
      const inTime = Date.now() < start + 1000;
      const keys: string[] = [];
      while (keys.length < 3) {
        await using lease = await take(jobs.queue);
        keys.push(lease.key);
        if (lease.key === "early") assert.ok(Date.now() >= start + 1000);
        if (lease.key === "late") assert.ok(Date.now() >= start + 1500);
        await lease.done();
      }
      if (inTime) assert.deepEqual(keys, ["past", "early", "late"]); // else this machine is too slow to tell
      assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 1, running: 0 });
      assert.equal(await jobs.queue.remove("never"), "removed");
    },
  );

  test(`${name} queue wakes who waits when something is added elsewhere`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await using other = await place.open();
    const waiting = take(jobs.queue);
    await add(other.queue, "a");
    await using lease = await waiting;
    assert.equal(lease.key, "a");
  });

  test(`${name} queue gives two loops of one process a job each`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await add(jobs.queue, "a", "b");
    const leases = await Promise.all([take(jobs.queue), take(jobs.queue)]);
    assert.deepEqual(leases.map(({ key }) => key).toSorted(), ["a", "b"]);
    for (const lease of leases) await lease.done();
  });

  test(`${name} queue gives what is given back first, as the same attempt`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await add(jobs.queue, "a", "b");
    {
      await using lease = await take(jobs.queue);
      assert.deepEqual([lease.key, lease.attempt], ["a", 1]);
    }
    assert.deepEqual(await jobs.queue.size(), { waiting: 2, delayed: 0, running: 0 });
    await using lease = await take(jobs.queue);
    assert.deepEqual([lease.key, lease.attempt], ["a", 1]);
  });

  test(
    `${name} queue counts attempts of what is tried again, which comes last`,
    options,
    async () => {
      await using place = await world.place();
      await using jobs = await place.open();
      await add(jobs.queue, "a", "b");
      for (let attempt = 1; attempt <= 3; attempt++) {
        await using lease = await take(jobs.queue);
        assert.deepEqual([lease.key, lease.attempt], ["a", attempt]);
        await lease.again({ notBefore: new Date(0) });
        await using next = await take(jobs.queue);
        assert.deepEqual([next.key, next.attempt], ["b", attempt]);
        await next.again({ notBefore: new Date(0) });
      }
    },
  );

  test(`${name} queue removes what waits and leaves what runs`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await add(jobs.queue, "a", "b", "c");
    await using lease = await take(jobs.queue);
    assert.equal(lease.key, "a");
    assert.equal(await jobs.queue.remove("a"), "running");
    assert.equal(await jobs.queue.remove("b"), "removed");
    assert.equal(await jobs.queue.remove("b"), "absent");
    assert.deepEqual(await jobs.queue.size(), { waiting: 1, delayed: 0, running: 1 });
    await lease.done();
    assert.deepEqual(await drain(jobs.queue), ["c"]);
  });

  test(`${name} queue settles a lease once`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await add(jobs.queue, "a");
    await using lease = await take(jobs.queue);
    await lease.done();
    await assert.rejects(lease.done(), { code: "job.lease-lost" });
    await assert.rejects(lease.again({ notBefore: new Date() }), { code: "job.lease-lost" });
    await add(jobs.queue, "a");
    await lease[Symbol.asyncDispose]();
    assert.deepEqual(await jobs.queue.size(), { waiting: 1, delayed: 0, running: 0 });
  });

  test(`${name} queue renews a lease for as long as it is held`, options, async () => {
    await undisturbed(1000, async () => {
      await using place = await world.place();
      await using jobs = await place.open({ leaseMs: 6000 });
      await using other = await place.open({ leaseMs: 6000 });
      await add(jobs.queue, "a");
      await using lease = await take(jobs.queue);
      const signal = AbortSignal.timeout(7500);
      for await (const second of other.queue.leases({ signal })) {
        assert.fail(`leased twice: ${second.key}`);
      }
      assert.equal(lease.lost.aborted, false);
      await lease.done();
    });
  });

  test(`${name} queue ends its leases when it is told to, or closed`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const abort = new AbortController();
    const none = jobs.queue.leases({ signal: abort.signal })[Symbol.asyncIterator]().next();
    abort.abort();
    assert.equal((await none).done, true);
    const closed = jobs.queue.leases({ signal: new AbortController().signal });
    const end = closed[Symbol.asyncIterator]().next();
    await jobs.queue[Symbol.asyncDispose]();
    assert.equal((await end).done, true);
  });
}
