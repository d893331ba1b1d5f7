import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownError } from "../../src/core/errors.ts";
import { openEmbeddedJobs } from "../../src/jobs/embedded/open.ts";
import type { Job, JobResult, JobState } from "../../src/jobs/job.ts";
import type { Jobs } from "../../src/jobs/jobs.ts";
import { reconcileJobs } from "../../src/jobs/reconcile.ts";
import { cancelJob, type JobDesk, submitJob } from "../../src/jobs/submit-job.ts";
import { type Perform, runWorker, type WorkerEvent } from "../../src/jobs/worker.ts";
import { tempFolder } from "../support/temp.ts";

const longMs = 60_000;
const options = { timeout: 2 * longMs };
const result: JobResult = { kind: "copy", digest: "sha256:1", unchanged: false };

class Trouble extends KnownError<"test.trouble" | "policy.refused"> {}

/** Jobs in a file, and a desk to put some there. */
interface World extends AsyncDisposable {
  readonly jobs: Jobs;
  readonly desk: JobDesk;
  readonly events: WorkerEvent[];
  submit(members?: { readonly webhook?: string; readonly notBefore?: number }): Promise<Job>;
  /** Runs a worker until a job has ended; gives the job. */
  runUntilEnd(id: string, perform: Perform): Promise<Job>;
  run(perform: Perform, signal: AbortSignal, leaving?: AbortSignal): Promise<void>;
}

async function openWorld(): Promise<World> {
  const folder = await tempFolder();
  const jobs = await openEmbeddedJobs(folder.in("jobs.db"), { now: Date.now, pollMs: 50 });
  const desk = { ...jobs, now: Date.now, random: () => new Uint8Array(10) };
  const events: WorkerEvent[] = [];
  const run = (perform: Perform, signal: AbortSignal, leaving?: AbortSignal) =>
    runWorker({
      ...jobs,
      ...(leaving && { leaving }),
      ...{ perform, signal, slots: 2, attempts: 3, now: Date.now, random: Math.random },
      backoff: { firstMs: 1, mostMs: 1 },
      cancelLookMs: 20,
      report: (event) => void events.push(event),
    });
  return {
    ...{ jobs, desk, events, run },
    async submit(members = {}) {
      const request = { kind: "verify", image: { image: "docker://localhost/a" } } as const;
      return (await submitJob(desk, { request, owner: "ann", ...members })).job;
    },
    async runUntilEnd(id, perform) {
      const stop = new AbortController();
      const worker = run(perform, stop.signal);
      await ended(jobs, id);
      stop.abort();
      await worker;
      return (await jobs.ledger.get(id)) as Job;
    },
    async [Symbol.asyncDispose]() {
      await jobs[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The states of a job until its end. */
async function ended({ ledger }: Jobs, id: string): Promise<readonly JobState[]> {
  const states: JobState[] = [];
  const signal = AbortSignal.timeout(longMs);
  for await (const { event } of ledger.watch(id, 0, { signal })) {
    if (event.type === "state") states.push(event.state);
  }
  signal.throwIfAborted();
  return states;
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

test("runWorker() that leaves ends the jobs that it has, and takes no more", options, async () => {
  await using world = await openWorld();
  const first = await world.submit();
  const leave = new AbortController();
  let later: Job | undefined;
  const perform: Perform = async (_job, { signal }) => {
    leave.abort();
    later = await world.submit();
    signal.throwIfAborted();
    return result;
  };
  await world.run(perform, new AbortController().signal, leave.signal);
  const states = [first.id, later?.id ?? ""].map(
    async (id) => (await world.jobs.ledger.get(id))?.state,
  );
  assert.deepEqual(await Promise.all(states), ["done", "waiting"]);
});

test("runWorker() does a job and says what came of it", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit();
  const job = await world.runUntilEnd(id, async ({ state, attempts }, { attempt }) => {
    assert.deepEqual([state, attempts, attempt], ["running", 1, 1]);
    return result;
  });
  assert.deepEqual([job.state, job.attempts, job.result], ["done", 1, result]);
  assert.ok(job.startedAt && job.endedAt && job.startedAt <= job.endedAt);
  assert.deepEqual(await ended(world.jobs, id), ["waiting", "running", "done"]);
  assert.deepEqual(await world.jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
  assert.deepEqual(
    world.events.map(({ type }) => type),
    ["job-began", "job-ended"],
  );
});

test("runWorker() tries again what may succeed later, so many times", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit();
  const job = await world.runUntilEnd(id, async () => {
    const cause = new Trouble("test.trouble", "the network", { retryable: true });
    throw new Trouble("test.trouble", "no luck", { cause, hint: "Wait" });
  });
  const failure = { code: "test.trouble", message: "no luck", hint: "Wait" };
  assert.deepEqual([job.state, job.attempts, job.failure], ["failed", 3, failure]);
  const once = ["running", "delayed"];
  assert.deepEqual(await ended(world.jobs, id), ["waiting", ...once, ...once, "running", "failed"]);
});

test("runWorker() forgets a failure when another attempt succeeds", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit();
  const job = await world.runUntilEnd(id, async (_, { attempt }) => {
    if (attempt === 1) throw new Trouble("test.trouble", "once", { retryable: true });
    return result;
  });
  assert.deepEqual([job.state, job.attempts, job.failure], ["done", 2, undefined]);
  assert.equal(job.notBefore, undefined);
});

for (const [name, error, state, code] of [
  ["what the policy refuses", new Trouble("policy.refused", "no"), "refused", "policy.refused"],
  [
    "what the policy refuses below something retryable",
    new Trouble("test.trouble", "x", {
      retryable: true,
      cause: new Trouble("policy.refused", "no"),
    }),
    "refused",
    "test.trouble",
  ],
  ["what fails for good", new Trouble("test.trouble", "no"), "failed", "test.trouble"],
  ["a bug, without its text", new Error("secret /path"), "failed", "internal"],
] as const) {
  test(`runWorker() does not try again ${name}`, options, async () => {
    await using world = await openWorld();
    const { id } = await world.submit();
    const job = await world.runUntilEnd(id, () => Promise.reject(error));
    assert.deepEqual([job.state, job.attempts, job.failure?.code], [state, 1, code]);
    assert.doesNotMatch(JSON.stringify(job), /secret/);
  });
}

test("runWorker() keeps what a failed job has to show", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit();
  const failure = { code: "sync.some-failed", message: "3 of 5" };
  const job = await world.runUntilEnd(id, async () => ({ result, failure, retryable: false }));
  assert.deepEqual([job.state, job.failure, job.result], ["failed", failure, result]);
});

test("runWorker() ends a job that is cancelled while it runs", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit();
  const job = await world.runUntilEnd(id, async (_, { signal }) => {
    assert.equal((await cancelJob(world.desk, id))?.state, "running");
    return await untilAborted(signal);
  });
  assert.equal(job.state, "cancelled");
  assert.deepEqual(await world.jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
});

test("cancelJob() ends a job that waits, and it is never begun", options, async () => {
  await using world = await openWorld();
  const first = await world.submit({ webhook: "https://hook.example/" });
  assert.equal((await cancelJob(world.desk, first.id))?.state, "cancelled");
  assert.equal(await cancelJob(world.desk, first.id), undefined);
  assert.equal((await world.jobs.webhooks.size()).waiting, 1);
  const second = await world.submit();
  const begun: string[] = [];
  await world.runUntilEnd(second.id, async ({ id }) => {
    begun.push(id);
    return result;
  });
  assert.deepEqual(begun, [second.id]);
});

test(
  "runWorker() gives back at once what it is stopped in, as the same attempt",
  options,
  async () => {
    await using world = await openWorld();
    const { id } = await world.submit();
    const stop = new AbortController();
    await world.run(async (_, { signal }) => {
      stop.abort();
      return await untilAborted(signal);
    }, stop.signal);
    assert.deepEqual(await world.jobs.queue.size(), { waiting: 1, delayed: 0, running: 0 });
    assert.equal((await world.jobs.ledger.get(id))?.state, "waiting");
    assert.deepEqual(world.events.at(-1), { type: "job-left", id, why: "stopped" });
    const job = await world.runUntilEnd(id, async () => result);
    assert.deepEqual([job.state, job.attempts], ["done", 1]);
  },
);

test("runWorker() does as many at once as it has slots", options, async () => {
  await using world = await openWorld();
  const ids: string[] = [];
  for (let n = 0; n < 6; n++) ids.push((await world.submit()).id);
  let now = 0;
  let most = 0;
  const second = Promise.withResolvers<void>();
  await world.runUntilEnd(ids[5] ?? "", async () => {
    most = Math.max(most, ++now);
    if (now === 2) second.resolve();
    await second.promise; // however long this machine takes to lease it
    await new Promise((resolve) => setTimeout(resolve, 20));
    now--;
    return result;
  });
  assert.equal(most, 2);
});

test("runWorker() passes over what is not known, or has ended", options, async () => {
  await using world = await openWorld();
  await world.jobs.queue.add("ghost", { id: "ghost" });
  const over = await world.submit({ webhook: "https://hook.example/" });
  await world.jobs.ledger.change(over.id, { state: "done" });
  const { id } = await world.submit();
  const begun: string[] = [];
  await world.runUntilEnd(id, async (job) => {
    begun.push(job.id);
    return result;
  });
  assert.deepEqual(begun, [id]);
  assert.equal((await world.jobs.webhooks.size()).waiting, 1);
});

test("runWorker() gives up a job whose workers were all lost", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit();
  for (let n = 0; n < 3; n++) {
    for await (const lease of world.jobs.queue.leases({ signal: AbortSignal.timeout(longMs) })) {
      await lease.again({ notBefore: new Date(0) }); // what a lease that runs out comes to
      break;
    }
  }
  const job = await world.runUntilEnd(id, async () => assert.fail("begun"));
  assert.deepEqual([job.state, job.failure?.code], ["failed", "job.worker-lost"]);
});

test("runWorker() queues the end of a job with a webhook", options, async () => {
  await using world = await openWorld();
  const { id } = await world.submit({ webhook: "https://hook.example/" });
  await world.runUntilEnd(id, async () => result);
  assert.deepEqual(await world.jobs.webhooks.size(), { waiting: 1, delayed: 0, running: 0 });
});

test(
  "reconcileJobs() queues what is written down only, and ends what was being cancelled",
  options,
  async () => {
    await using world = await openWorld();
    const { jobs, events } = world;
    const known = await world.submit();
    const lost = await world.submit();
    const delayed = await world.submit({ notBefore: Date.now() + 10 * longMs });
    const running = await world.submit();
    const cancelled = await world.submit({ webhook: "https://hook.example/" });
    const over = await world.submit();
    for (const { id } of [lost, delayed, running, cancelled, over]) await jobs.queue.remove(id);
    await jobs.ledger.change(running.id, { state: "running", attempts: 1 });
    await jobs.ledger.change(cancelled.id, { cancelRequested: true });
    await jobs.ledger.change(over.id, { state: "done" });
    const signal = new AbortController().signal;
    await reconcileJobs({ ...jobs, signal, report: (event) => void events.push(event) });
    assert.deepEqual(await jobs.queue.size(), { waiting: 3, delayed: 1, running: 0 });
    const states = await Promise.all(
      [known, lost, delayed, running, cancelled].map(({ id }) => jobs.ledger.get(id)),
    );
    assert.deepEqual(
      states.map((job) => job?.state),
      ["waiting", "waiting", "delayed", "waiting", "cancelled"],
    );
    assert.deepEqual(
      events.map((event) => "id" in event && event.id).toSorted(),
      [lost.id, delayed.id, running.id].toSorted(),
    );
    assert.equal((await jobs.webhooks.size()).waiting, 1);
  },
);
