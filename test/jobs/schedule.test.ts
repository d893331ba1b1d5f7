import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openEmbeddedJobs } from "../../src/jobs/embedded/open.ts";
import type { Job } from "../../src/jobs/job.ts";
import { createJobId } from "../../src/jobs/job-id.ts";
import { createScheduler, type Schedule, type ScheduleEvent } from "../../src/jobs/schedule.ts";
import { parseScheduleTimes } from "../../src/jobs/schedule-times.ts";
import { tempFolder } from "../support/temp.ts";
import { jobOf } from "./contract/ledger.ts";

const options = { timeout: 120_000 };
const hour = 3_600_000;
const start = Date.parse("2026-03-01T02:59:59.900Z");
const request = { kind: "sync", mirror: "base", dryRun: false } as const;

/** Jobs in a file, a clock that goes as the world's from a time that is set, and servers that start jobs by it. */
async function openWorld() {
  const folder = await tempFolder();
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const set = (time: number) => {
    ahead = time - Date.now();
  };
  set(start);
  const jobs = await openEmbeddedJobs(folder.in("jobs.db"), { now });
  // As if one had been made half an hour ago: however slow this machine is, the next is of three o'clock.
  const before = jobOf({ id: createJobId(start), owner: "schedule:nightly", state: "done" });
  await jobs.ledger.create({ ...before, createdAt: start - hour / 2, endedAt: start });
  const events: ScheduleEvent[] = [];
  const schedule: Schedule = { name: "nightly", times: parseScheduleTimes("0 * * * *"), request };
  return {
    ...{ jobs, now, set, events },
    serve: (members: Partial<Schedule> = {}) =>
      createScheduler({
        desk: { ...jobs, now },
        schedules: [{ ...schedule, ...members }],
        report: (event) => void events.push(event),
      }),
    /** Waits until so many events were told. */
    async told(count: number): Promise<readonly string[]> {
      while (events.length < count) await pause(5);
      return events.map(({ type }) => type);
    },
    /** But for the one that was there before. */
    list: async (): Promise<readonly Job[]> =>
      (await jobs.ledger.list({ limit: 100 })).filter(({ id }) => id !== before.id),
    async [Symbol.asyncDispose]() {
      await jobs[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test(
  "createScheduler() starts a job when its time comes, one for all servers",
  options,
  async () => {
    await using world = await openWorld();
    {
      await using _first = world.serve();
      await using _second = world.serve();
      await using _third = world.serve();
      assert.deepEqual(await world.told(1), ["schedule-fired"]);
      await pause(100); // the others have their turn
    }
    const jobs = await world.list();
    assert.equal(jobs.length, 1);
    assert.equal(jobs[0]?.owner, "schedule:nightly");
    assert.deepEqual(jobs[0]?.request, request);
    assert.deepEqual(await world.jobs.queue.size(), { waiting: 1, delayed: 0, running: 0 });
    assert.equal(world.events.length, 1);
  },
);

test("createScheduler() makes up once for what was missed, and says so", options, async () => {
  await using world = await openWorld();
  {
    await using _server = world.serve();
    await world.told(1);
  }
  const [first] = await world.list();
  await world.jobs.ledger.change(first?.id ?? "", { state: "done" });
  world.set(start + 5.5 * hour);
  await using _server = world.serve();
  assert.deepEqual((await world.told(3)).slice(1), ["schedule-fired", "schedule-missed"]);
  const jobs = await world.list();
  assert.equal(jobs.length, 2);
  assert.partialDeepStrictEqual(world.events[2], {
    since: Date.parse("2026-03-01T04:00:00Z"),
    time: Date.parse("2026-03-01T08:00:00Z"),
  });
});

test("createScheduler() does not make up for a time before it was there", options, async () => {
  await using world = await openWorld();
  world.set(start + 0.5 * hour);
  await using server = world.serve({ name: "another" });
  await pause(50);
  assert.equal(server.next("another"), Date.parse("2026-03-01T04:00:00Z"));
  assert.equal(server.next("unknown"), undefined);
  assert.deepEqual(await world.list(), []);
});

test(
  "createScheduler() skips a time while the job before it is not done, and says so",
  options,
  async () => {
    await using world = await openWorld();
    {
      await using _server = world.serve();
      await world.told(1);
    }
    const [first] = await world.list();
    world.set(start + hour);
    {
      await using _server = world.serve();
      await world.told(2);
    }
    assert.partialDeepStrictEqual(world.events[1], {
      type: "schedule-skipped",
      running: first?.id,
      time: Date.parse("2026-03-01T04:00:00Z"),
    });
    assert.equal((await world.list()).length, 1);
  },
);

test(
  "createScheduler() goes on from where another was, and makes up for nothing before",
  options,
  async () => {
    await using world = await openWorld();
    world.set(start + 5.5 * hour); // its last job was at half past two
    const seenTo = start + 5.5 * hour;
    await using server = world.serve({ seenTo });
    await pause(50);
    assert.equal(server.seenTo("nightly"), seenTo);
    assert.equal(server.seenTo("unknown"), undefined);
    assert.deepEqual(await world.list(), []);
  },
);

test(
  "createScheduler() starts the job of a time that the queue did not take at first",
  options,
  async () => {
    await using world = await openWorld();
    const { queue } = world.jobs;
    world.set(start + 1000);
    const key = { idempotencyKey: "nightly@2026-03-01T03:00:00.000Z" };
    // As a server leaves it that Redis was taken from between writing the job down and queueing it.
    const left = jobOf({ id: createJobId(start), owner: "schedule:nightly", request });
    await world.jobs.ledger.create({ ...left, createdAt: start + 200 }, key);
    await world.jobs.ledger.change(left.id, { state: "cancelled" });
    await using _server = world.serve();
    assert.deepEqual(await world.told(1), ["schedule-fired"]);
    assert.deepEqual(await queue.size(), { waiting: 1, delayed: 0, running: 0 });
  },
);

test("createScheduler() goes on by a clock that was set back", options, async () => {
  await using world = await openWorld();
  world.set(start + 5.5 * hour);
  await using _server = world.serve({
    seenTo: start + 9 * hour,
    times: parseScheduleTimes("every 1m"),
  });
  assert.deepEqual(await world.told(1), ["schedule-fired"]);
});

test("createScheduler() delays by a jitter that is the same everywhere", options, async () => {
  const delays: number[] = [];
  for (let n = 0; n < 2; n++) {
    await using world = await openWorld();
    await using _server = world.serve({ jitterMs: 0.5 * hour });
    await world.told(1);
    const [job] = await world.list();
    assert.equal(job?.state, "delayed");
    delays.push((job?.notBefore ?? 0) - Date.parse("2026-03-01T03:00:00Z"));
  }
  assert.equal(delays[0], delays[1]);
  assert.ok(Number(delays[0]) > 0 && Number(delays[0]) < 0.5 * hour);
});
