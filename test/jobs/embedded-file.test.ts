import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openEmbeddedJobs } from "../../src/jobs/embedded/open.ts";
import { tempFolder } from "../support/temp.ts";
import { undisturbed } from "../support/undisturbed.ts";
import { take } from "./contract/queue.ts";

const settings = { now: Date.now, patienceMs: 1000 };

test("openEmbeddedJobs() names a file that is none of jobs, and says what can be done", async () => {
  await using folder = await tempFolder();
  const file = folder.in("jobs.sqlite");
  writeFileSync(file, randomBytes(50_000));
  await assert.rejects(openEmbeddedJobs(file, settings), {
    code: "job.queue-unreachable",
    message: `Cannot reach the jobs: ${file} cannot be used: file is not a database`,
    hint: "The file of jobs is damaged: moved away it is made anew, and the jobs in it are lost",
  });
});

test("openEmbeddedJobs() leaves a file of a newer version alone, and names it", async () => {
  await using folder = await tempFolder();
  const file = folder.in("jobs.sqlite");
  const newer = new DatabaseSync(file);
  newer.exec("create table theirs (x); pragma user_version = 99");
  await assert.rejects(openEmbeddedJobs(file, settings), {
    code: "job.queue-unreachable",
    message: `The jobs in ${file} are of a newer version of amphora`,
  });
  const tables = newer.prepare("select name from sqlite_schema where type = 'table'").all();
  assert.deepEqual(
    tables.map(({ name }) => name),
    ["theirs"],
  );
  newer.close();
});

test("A lease of who was killed runs out though the clock was set back", {
  timeout: 60_000,
}, async () => {
  await using folder = await tempFolder();
  const file = folder.in("jobs.sqlite");
  const leaseMs = 500;
  {
    const now = () => Date.now() + 3_600_000;
    await using ahead = await openEmbeddedJobs<{ readonly n: number }>(file, { now, leaseMs });
    await ahead.queue.add("a", { n: 1 });
    await take(ahead.queue); // closed with it, and not given back
  }
  await using jobs = await openEmbeddedJobs<{ readonly n: number }>(file, {
    now: Date.now,
    leaseMs,
  });
  await using lease = await take(jobs.queue);
  assert.deepEqual([lease.key, lease.attempt], ["a", 2]);
});

test("A lease that is held goes on though the clock was set ahead, and that of who was killed runs out", {
  timeout: 60_000,
}, async () => {
  await undisturbed(1000, async () => {
    await using folder = await tempFolder();
    const file = folder.in("jobs.sqlite");
    const leaseMs = 3000;
    let ahead = 0;
    const options = { now: () => Date.now() + ahead, leaseMs, pollMs: 20 };
    await using jobs = await openEmbeddedJobs<{ readonly n: number }>(file, options);
    {
      await using killed = await openEmbeddedJobs<{ readonly n: number }>(file, options);
      await killed.queue.add("killed", { n: 1 });
      await take(killed.queue); // closed with it, and not given back
    }
    await jobs.queue.add("held", { n: 1 });
    await using held = await take(jobs.queue);
    await using other = await openEmbeddedJobs<{ readonly n: number }>(file, options);
    assert.deepEqual(await other.queue.size(), { waiting: 0, delayed: 0, running: 2 });
    ahead = 3_600_000;
    assert.equal(await other.queue.remove("held"), "running");
    await using next = await take(other.queue);
    assert.deepEqual([next.key, next.attempt], ["killed", 2]);
    assert.equal(held.lost.aborted, false);
    await held.done();
  });
});
