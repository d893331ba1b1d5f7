import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { JobError } from "../../../src/jobs/errors.ts";
import type { Jobs } from "../../../src/jobs/jobs.ts";
import type { QueuedJob } from "../../../src/jobs/submit-job.ts";
import type { FailingStore, StoreFault } from "../../support/jobs/failing-store.ts";
import { undisturbed } from "../../support/undisturbed.ts";
import { doOneJob } from "./job-story.ts";
import { jobOf, story } from "./ledger.ts";
import { openAddress } from "./open-address.ts";
import { take } from "./queue.ts";
import type { JobsWorld, TestJob } from "./world.ts";

const soak = process.env["AMPHORA_SOAK"] === "1";
const endless = 2 ** 31;
const program = fileURLToPath(new URL("job-story.ts", import.meta.url));

/** How an implementation is made to fail. */
export interface FaultyWorld extends JobsWorld {
  readonly hows: readonly StoreFault["how"][];
  fail(fault: StoreFault): FailingStore;
  /** How many calls there are between two that are tried, where not all are. */
  readonly stride: number;
}

/** Does it until it can be done. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof JobError) || error.code !== "job.queue-unreachable") throw error;
      await pause(1);
    }
  }
}

/** Everything that a queue does, whatever fails of it once. */
async function useQueue({ queue }: Jobs<TestJob>): Promise<void> {
  await insist(() => queue.add("a", { n: 1 }));
  await insist(() => queue.add("b", { n: 2 }, { notBefore: new Date(1) }));
  await insist(() => queue.add("c", { n: 3 }, { notBefore: new Date(Date.now() + 600_000) }));
  assert.equal(await insist(() => queue.add("a", { n: 4 })), "already-there");
  await using a = await take(queue);
  assert.deepEqual([a.key, a.job, a.attempt], ["a", { n: 1 }, 1]);
  await insist(() => a.again({ notBefore: new Date(1) }));
  await using b = await take(queue);
  assert.deepEqual([b.key, b.attempt], ["b", 1]);
  await insist(() => b.bury("of no use"));
  {
    await using given = await take(queue);
    assert.deepEqual([given.key, given.attempt], ["a", 2]);
  }
  await using again = await take(queue);
  assert.equal(again.key, "a");
  assert.ok(again.attempt === 2 || again.attempt === 3, "it may have had to run out");
  await insist(() => again.done());
  assert.notEqual(await insist(() => queue.remove("c")), "running");
  assert.deepEqual(await insist(() => queue.size()), { waiting: 0, delayed: 0, running: 0 });
  await insist(() => queue.add("a", { n: 5 }));
  assert.equal((await insist(() => queue.size())).waiting, 1);
}

/** Everything that a ledger does. */
async function useLedger({ ledger }: Jobs<TestJob>): Promise<void> {
  const job = jobOf();
  const key = { idempotencyKey: "k" };
  assert.deepEqual((await insist(() => ledger.create(job, key))).job, job);
  assert.equal((await insist(() => ledger.create(jobOf(), key))).isNew, false);
  await insist(() => ledger.change(job.id, { state: "running", attempts: 1 }));
  const progress = { images: { found: 1, ended: 0, failed: 0 }, bytes: { moved: 1, spared: 2 } };
  await insist(() => ledger.progress(job.id, progress));
  const blob = { type: "blob", image: "i", digest: "d", sent: 1, size: 1 } as const;
  await insist(() => ledger.note(job.id, blob));
  await insist(() => ledger.change(job.id, { state: "done", endedAt: 5 }));
  const told = await story(ledger, job.id);
  assert.deepEqual(
    told.map(({ event }) => (event.type === "state" ? event.state : event)),
    ["waiting", "running", blob, "done"],
  );
  const listed = await insist(() => ledger.list({ limit: 9, states: ["done"], owner: job.owner }));
  assert.deepEqual(listed, [await insist(() => ledger.get(job.id))]);
  assert.deepEqual(listed, [{ ...job, state: "done", attempts: 1, progress, endedAt: 5 }]);
  await insist(() => ledger.forget(6));
  assert.deepEqual(await insist(() => ledger.list({ limit: 9 })), []);
}

/** Runs one job's story in a process that dies at a call; one that comes to its end gives how many calls there were. */
async function tellUntil(address: string, at: number): Promise<number | undefined> {
  const child = spawn(process.execPath, [program, address, String(at)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let calls = "";
  child.stdout.on("data", (chunk) => {
    calls += chunk;
  });
  const [code, signal] = await once(child, "close");
  if (signal === "SIGKILL") return undefined;
  assert.equal(code, 0);
  return Number(calls);
}

async function assertEndsOnce(world: FaultyWorld, at: number): Promise<void> {
  await using place = await world.place();
  await tellUntil(place.address, at);
  await using jobs = await openAddress<QueuedJob>(place.address, { leaseMs: 3000 });
  const job = await doOneJob(jobs, jobs.ledger);
  assert.equal(job.state, "done");
  const last = (await story(jobs.ledger, job.id)).at(-1);
  assert.deepEqual(last?.event, { type: "state", state: "done" });
  assert.equal((await jobs.ledger.list({ limit: 9 })).length, 1);
  assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
  assert.deepEqual(await jobs.webhooks.size(), { waiting: 1, delayed: 0, running: 0 });
}

/** Makes each call fail in turn, or some of them, until there are no more. */
async function failInTurn(
  world: FaultyWorld,
  how: StoreFault["how"],
  use: (jobs: Jobs<TestJob>) => Promise<void>,
): Promise<void> {
  const step = soak ? 1 : world.stride;
  for (let at = randomInt(step), reached = true; reached; at += step) {
    await undisturbed(1000, async () => {
      await using place = await world.place();
      await using jobs = await place.open({ leaseMs: 8000 });
      await jobs.queue.size();
      using failing = world.fail({ at, how });
      await use(jobs);
      reached = failing.failed();
    });
  }
}

/** What all of it comes to where any one step fails, or the process dies there. */
export function faultContract(world: FaultyWorld): void {
  const { name, skip, hows } = world;
  const options = { timeout: 600_000, skip };

  for (const how of hows) {
    test(`${name} queue does all it is asked where one call ${how}`, options, async () => {
      await failInTurn(world, how, useQueue);
    });

    test(`${name} ledger does all it is asked where one call ${how}`, options, async () => {
      await failInTurn(world, how, useLedger);
    });
  }

  test(`${name} jobs end once, in queue and ledger, wherever a process dies`, options, async () => {
    await using place = await world.place();
    const calls = (await tellUntil(place.address, endless)) ?? 0;
    const step = soak ? 1 : Math.ceil(calls / 3);
    for (let at = randomInt(step); at < calls; at += step)
      await undisturbed(1000, () => assertEndsOnce(world, at));
  });
}
