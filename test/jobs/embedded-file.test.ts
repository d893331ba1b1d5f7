import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openEmbeddedJobs } from "../../src/jobs/embedded/open.ts";
import { tempFolder } from "../support/temp.ts";

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
