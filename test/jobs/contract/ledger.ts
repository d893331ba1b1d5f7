import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "../../../src/jobs/job.ts";
import { createJobId } from "../../../src/jobs/job-id.ts";
import type { JobEvent, JobLedger, NotedEvent } from "../../../src/jobs/ledger.ts";
import type { JobsWorld } from "./world.ts";

const longMs = 60_000;
let clock = Date.parse("2030-01-01");

/** A job that waits; each is a second younger than the one before. */
export function jobOf(members: Partial<Job> = {}): Job {
  clock += 1000;
  return {
    id: createJobId(clock),
    request: { kind: "verify", image: { image: "docker://localhost/a" } },
    state: "waiting",
    owner: "ann",
    createdAt: clock,
    attempts: 0,
    cancelRequested: false,
    ...members,
  };
}

/** What is told of a job from an event on, until it ends. */
export async function story(
  ledger: JobLedger,
  id: string,
  after = 0,
): Promise<readonly NotedEvent[]> {
  const told: NotedEvent[] = [];
  const signal = AbortSignal.timeout(longMs);
  for await (const event of ledger.watch(id, after, { signal })) told.push(event);
  signal.throwIfAborted();
  return told;
}

function imageEvent(n: number, state: "started" | "copied" | "failed"): JobEvent {
  return { type: "image", from: `docker://a/b:${n}`, to: `docker://c/d:${n}`, state };
}

function blobEvent(n: number, sent: number): JobEvent {
  return { type: "blob", image: "docker://c/d:1", digest: `sha256:${n}`, sent, size: 100 };
}

/** What every ledger does, in one process. */
export function ledgerContract(world: JobsWorld): void {
  const { name, skip } = world;
  const options = { skip, timeout: 3 * longMs };

  test(`${name} ledger gives a job as it was made`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const job = jobOf({ webhook: "https://a", notBefore: 5, retryOf: "x", state: "delayed" });
    assert.deepEqual(await jobs.ledger.create(job), { job, isNew: true });
    await using other = await place.open();
    assert.deepEqual(await other.ledger.get(job.id), job);
    assert.equal(await jobs.ledger.get(createJobId(1)), undefined);
  });

  test(`${name} ledger makes one job of an owner's idempotency key`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await using other = await place.open();
    const key = { idempotencyKey: "k:1 {}" };
    const racing = [jobOf(), jobOf(), jobOf(), jobOf()];
    const made = await Promise.all(
      racing.map((job, n) => (n % 2 ? jobs : other).ledger.create(job, key)),
    );
    assert.equal(made.filter(({ isNew }) => isNew).length, 1);
    const ids = new Set(made.map(({ job }) => job.id));
    assert.equal(ids.size, 1);
    const theirs = await jobs.ledger.create(jobOf({ owner: "bob" }), key);
    assert.equal(theirs.isNew, true);
    const [first] = made;
    assert.ok(first);
    assert.equal((await jobs.ledger.create(first.job)).isNew, false);
    assert.equal((await jobs.ledger.list({ limit: 10 })).length, 2);
  });

  test(`${name} ledger takes a key anew whose job the queue did not take`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const key = { idempotencyKey: "k" };
    const first = jobOf();
    await jobs.ledger.create(first, key);
    await jobs.ledger.change(first.id, { state: "cancelled" });
    const second = jobOf();
    assert.deepEqual(await jobs.ledger.create(second, key), { job: second, isNew: true });
    assert.equal((await jobs.ledger.create(jobOf(), key)).job.id, second.id);
    // One that somebody cancelled is what the key made.
    await jobs.ledger.change(second.id, { cancelRequested: true });
    await jobs.ledger.change(second.id, { state: "cancelled" });
    const third = await jobs.ledger.create(jobOf(), key);
    assert.deepEqual([third.job.id, third.isNew], [second.id, false]);
    assert.equal((await jobs.ledger.list({ limit: 10 })).length, 2);
  });

  test(`${name} ledger lists the newest first, by all that is asked`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const all: Job[] = [];
    for (let n = 0; n < 24; n++) {
      const job = jobOf({
        owner: n % 2 ? "ann" : "bob",
        ...(n % 3 === 0 && { request: { kind: "sync", mirror: "m", dryRun: false } }),
      });
      await jobs.ledger.create(job);
      all.push(n % 4 ? job : ((await jobs.ledger.change(job.id, { state: "done" })) ?? job));
    }
    all.reverse();
    const listed = (query: Parameters<JobLedger["list"]>[0]) => jobs.ledger.list(query);
    assert.deepEqual(await listed({ limit: 500 }), all);
    assert.deepEqual(await listed({ limit: 5 }), all.slice(0, 5));
    const before = all[6]?.id ?? "";
    assert.deepEqual(await listed({ limit: 5, before }), all.slice(7, 12));
    const done = all.filter(({ state }) => state === "done");
    assert.equal(done.length, 6);
    assert.deepEqual(await listed({ limit: 500, states: ["done"] }), done);
    assert.deepEqual(await listed({ limit: 500, states: ["done", "waiting"] }), all);
    assert.deepEqual(await listed({ limit: 500, states: ["failed"] }), []);
    assert.deepEqual(await listed({ limit: 500, states: [] }), []);
    const matches = ({ owner, request, state, id }: Job) =>
      owner === "bob" && request.kind === "sync" && state !== "done" && id < before;
    assert.deepEqual(
      await listed({ limit: 2, states: ["waiting"], kind: "sync", owner: "bob", before }),
      all.filter(matches).slice(0, 2),
    );
  });

  test(`${name} ledger changes what has not ended, and only then`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open({ now: () => 42 });
    const job = jobOf({ notBefore: 9 });
    await jobs.ledger.create(job);
    const running = { state: "running", startedAt: 3, notBefore: undefined, attempts: 1 } as const;
    assert.equal(await jobs.ledger.change(job.id, running, { from: ["delayed"] }), undefined);
    const { notBefore: _, ...rest } = { ...job, ...running };
    assert.deepEqual(await jobs.ledger.change(job.id, running, { from: ["waiting"] }), rest);
    assert.equal(await jobs.ledger.change(job.id, { state: "done" }, { attempts: 0 }), undefined);
    const failure = { code: "a.b", message: "ü" };
    const end = { ...rest, state: "failed", failure, endedAt: 42 } as const;
    assert.deepEqual(
      await jobs.ledger.change(job.id, { state: "failed", failure }, { attempts: 1 }),
      end,
    );
    assert.equal(await jobs.ledger.change(job.id, { cancelRequested: true }), undefined);
    assert.deepEqual(await jobs.ledger.get(job.id), end);
    assert.equal(await jobs.ledger.change(createJobId(1), { attempts: 1 }), undefined);
  });

  test(`${name} ledger makes one change at a time`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await using other = await place.open();
    const job = jobOf();
    await jobs.ledger.create(job);
    const tries = Array.from({ length: 10 }, (_, n) =>
      (n % 2 ? jobs : other).ledger.change(
        job.id,
        { state: "running", attempts: n },
        {
          from: ["waiting"],
        },
      ),
    );
    const won = (await Promise.all(tries)).filter((changed) => changed !== undefined);
    assert.equal(won.length, 1);
    assert.deepEqual(await other.ledger.get(job.id), won[0]);
  });

  test(`${name} ledger keeps progress of what has not ended`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const job = jobOf();
    await jobs.ledger.create(job);
    const progress = {
      images: { found: 3, ended: 2, failed: 1 },
      bytes: { moved: 2 ** 40, spared: 0 },
    };
    await jobs.ledger.progress(job.id, progress);
    assert.deepEqual((await jobs.ledger.get(job.id))?.progress, progress);
    await jobs.ledger.change(job.id, { state: "done" });
    await jobs.ledger.progress(job.id, { ...progress, bytes: { moved: 0, spared: 0 } });
    assert.deepEqual((await jobs.ledger.get(job.id))?.progress, progress);
    await jobs.ledger.progress(createJobId(1), progress);
    assert.equal((await jobs.ledger.list({ limit: 9 })).length, 1);
  });

  test(
    `${name} ledger tells every watcher all of a job, in order, to its end`,
    options,
    async () => {
      await using place = await world.place();
      await using jobs = await place.open({ now: () => 42 });
      await using other = await place.open();
      const job = jobOf();
      await jobs.ledger.create(job);
      const watching = [jobs, other, jobs, other].map(({ ledger }) => story(ledger, job.id));
      for (let n = 1; n <= 300; n++) {
        await jobs.ledger.note(job.id, { type: "message", level: "info", text: `${n}` });
        if (n === 100) await jobs.ledger.change(job.id, { state: "running" });
      }
      const late = story(other.ledger, job.id, 200);
      await jobs.ledger.change(job.id, { attempts: 1 });
      await jobs.ledger.change(job.id, { state: "done" });
      await jobs.ledger.note(job.id, { type: "message", level: "info", text: "too late" });
      const texts = Array.from({ length: 300 }, (_, n) => `${n + 1}`);
      const expected = ["waiting", ...texts.slice(0, 100), "running", ...texts.slice(100), "done"];
      for (const told of await Promise.all(watching)) {
        const words = told.map(({ event }) =>
          event.type === "message" ? event.text : event.type === "state" ? event.state : "",
        );
        assert.deepEqual(words, expected);
        assert.deepEqual(
          told.map(({ number }) => number),
          expected.map((_, n) => n + 1),
        );
        assert.ok(told.every(({ at }) => at === 42));
      }
      assert.equal((await late)[0]?.number, 201);
      assert.equal((await late).length, expected.length - 200);
      assert.deepEqual(await story(jobs.ledger, job.id, expected.length), []);
      assert.deepEqual(await story(jobs.ledger, createJobId(1)), []);
    },
  );

  test(`${name} ledger keeps of an image and a blob the last that happened`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const job = jobOf();
    await jobs.ledger.create(job);
    for (const sent of [0, 50, 100]) {
      await jobs.ledger.note(job.id, blobEvent(1, sent));
      await jobs.ledger.note(job.id, blobEvent(2, sent));
    }
    await jobs.ledger.note(job.id, imageEvent(1, "started"));
    await jobs.ledger.note(job.id, imageEvent(2, "failed"));
    await jobs.ledger.note(job.id, imageEvent(2, "started"));
    await jobs.ledger.note(job.id, imageEvent(1, "copied"));
    await jobs.ledger.change(job.id, { state: "done" });
    const told = await story(jobs.ledger, job.id);
    assert.deepEqual(
      told.map(({ event }) => event),
      [
        { type: "state", state: "waiting" },
        blobEvent(1, 100),
        blobEvent(2, 100),
        imageEvent(2, "started"),
        imageEvent(1, "copied"),
        { type: "state", state: "done" },
      ],
    );
    assert.deepEqual(
      told.map(({ number }) => number),
      [1, 6, 7, 10, 11, 12],
    );
  });

  test(
    `${name} ledger keeps so many events of a kind, and all failures before others`,
    options,
    async () => {
      await using place = await world.place();
      await using jobs = await place.open();
      const job = jobOf();
      await jobs.ledger.create(job);
      await jobs.ledger.note(job.id, imageEvent(0, "failed"));
      const notes = Array.from({ length: 1500 }, (_, n) => blobEvent(n, 1));
      for (let n = 0; n < notes.length; n += 50) {
        await Promise.all(notes.slice(n, n + 50).map((event) => jobs.ledger.note(job.id, event)));
      }
      await jobs.ledger.change(job.id, { state: "done" });
      const told = await story(jobs.ledger, job.id);
      const blobs = told.flatMap(({ event }) => (event.type === "blob" ? [event.digest] : []));
      assert.ok(blobs.length >= 500 && blobs.length < 600, `${blobs.length}`);
      assert.equal(blobs.at(-1), "sha256:1499");
      assert.deepEqual(told[1]?.event, imageEvent(0, "failed"));
      assert.deepEqual(told.at(-1)?.event, { type: "state", state: "done" });
    },
  );

  test(`${name} ledger tells of every job's changes from the call on`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await using other = await place.open();
    await jobs.ledger.create(jobOf());
    const abort = new AbortController();
    const watched = other.ledger.watchAll({ signal: abort.signal })[Symbol.asyncIterator]();
    let began = false;
    const first = watched.next().then(() => {
      began = true;
    });
    while (!began) await jobs.ledger.create(jobOf()); // "from the call on" is not quite so across processes
    await first;
    const job = jobOf();
    await jobs.ledger.create(job);
    await jobs.ledger.change(job.id, { state: "running" });
    await jobs.ledger.change(job.id, { state: "done" });
    const states: string[] = [];
    while (states.at(-1) !== "done") {
      const { value } = await watched.next();
      if ((value as Job).id === job.id) states.push((value as Job).state);
    }
    assert.deepEqual(states, [...new Set(states)]);
    const end = watched.next();
    abort.abort();
    assert.equal((await end).done, true);
  });

  test(`${name} ledger forgets what ended before a time, and all of it`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const key = { idempotencyKey: "k" };
    const ids: string[] = [];
    for (const endedAt of [100, 200, 300]) {
      const job = jobOf({ owner: `o${endedAt}` });
      ids.push(job.id);
      await jobs.ledger.create(job, key);
      await jobs.ledger.change(job.id, { state: "done", endedAt });
    }
    const open = jobOf();
    await jobs.ledger.create(open);
    assert.equal(await jobs.ledger.forget(300), 2);
    assert.equal(await jobs.ledger.forget(300), 0);
    const left = await jobs.ledger.list({ limit: 9 });
    assert.deepEqual(
      left.map(({ id }) => id),
      [open.id, ids[2]],
    );
    assert.deepEqual(await jobs.ledger.list({ limit: 9, states: ["done"], owner: "o100" }), []);
    assert.deepEqual(await story(jobs.ledger, ids[0] ?? ""), []);
    assert.equal((await jobs.ledger.create(jobOf({ owner: "o100" }), key)).isNew, true);
    assert.equal((await jobs.ledger.create(jobOf({ owner: "o300" }), key)).isNew, false);
  });

  test(`${name} ledger ends what watches when it is told to, or closed`, options, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    const job = jobOf();
    await jobs.ledger.create(job);
    const abort = new AbortController();
    const first = jobs.ledger.watch(job.id, 1, { signal: abort.signal })[Symbol.asyncIterator]();
    const ends = first.next();
    abort.abort();
    assert.equal((await ends).done, true);
    const never = new AbortController().signal;
    const second = jobs.ledger.watch(job.id, 1, { signal: never })[Symbol.asyncIterator]().next();
    const all = jobs.ledger.watchAll({ signal: never })[Symbol.asyncIterator]().next();
    await jobs.ledger[Symbol.asyncDispose]();
    assert.equal((await second).done, true);
    assert.equal((await all).done, true);
  });
}
