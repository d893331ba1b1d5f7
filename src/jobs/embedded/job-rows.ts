import type { Job, JobProgress, JobState } from "../job.ts";
import { hasEnded, openStates, wasNotTaken } from "../job-rules.ts";
import type { JobQuery } from "../ledger.ts";
import type { JobsDatabase, Row, SqlValue } from "./database.ts";

const columns = "request, progress, body";
const nextVersion = "(select last from versions)";

/** The job of a row with {@link columns}. */
function jobOf(row: Row): Job {
  const progress = row["progress"];
  return {
    ...JSON.parse(String(row["body"])),
    request: JSON.parse(String(row["request"])),
    ...(progress !== null && { progress: JSON.parse(String(progress)) }),
  };
}

/** A job by its id. */
export function readRow(database: JobsDatabase, id: string): Job | undefined {
  const row = database.get(`select ${columns} from jobs where id = ?`, id);
  return row && jobOf(row);
}

/** Whether there is such a job and it has not ended. */
export function isOpenRow(database: JobsDatabase, id: string): boolean {
  const row = database.get("select state from jobs where id = ?", id);
  return row !== undefined && !hasEnded(row["state"] as JobState);
}

/** Keeps a new job, unless it, or one of its owner's with this key, is there. */
export function createRow(
  database: JobsDatabase,
  job: Job,
  idempotencyKey: string | undefined,
): { readonly job: Job; readonly isNew: boolean } {
  const known = madeBefore(database, job.owner, idempotencyKey) ?? readRow(database, job.id);
  if (known) return { job: known, isNew: false };
  const { request, progress, ...body } = job;
  countVersion(database);
  database.run(
    `insert into jobs (id, state, kind, owner, ended, version, request, progress, body)
       values (?, ?, ?, ?, ?, ${nextVersion}, ?, ?, ?)`,
    ...[job.id, job.state, request.kind, job.owner, job.endedAt ?? null],
    ...[JSON.stringify(request), progress ? JSON.stringify(progress) : null, JSON.stringify(body)],
  );
  if (idempotencyKey !== undefined) {
    const sql = "insert or replace into idempotency (owner, key, job) values (?, ?, ?)";
    database.run(sql, job.owner, idempotencyKey, job.id);
  }
  return { job, isNew: true };
}

function madeBefore(
  database: JobsDatabase,
  owner: string,
  key: string | undefined,
): Job | undefined {
  if (key === undefined) return undefined;
  const sql = "select job from idempotency where owner = ? and key = ?";
  const row = database.get(sql, owner, key);
  const job = row && readRow(database, String(row["job"]));
  return job && !wasNotTaken(job) ? job : undefined;
}

function countVersion(database: JobsDatabase): void {
  database.run("update versions set last = last + 1");
}

/** Writes down what became of a job that is there. */
export function updateRow(database: JobsDatabase, job: Job): void {
  const { request: _, progress, ...body } = job;
  countVersion(database);
  database.run(
    `update jobs set state = ?, ended = ?, version = ${nextVersion}, progress = ?, body = ? where id = ?`,
    ...[job.state, job.endedAt ?? null, progress ? JSON.stringify(progress) : null],
    ...[JSON.stringify(body), job.id],
  );
}

/** Writes down numbers of a job that has not ended. */
export function writeProgress(database: JobsDatabase, id: string, progress: JobProgress): void {
  countVersion(database);
  database.run(
    `update jobs set progress = ?, version = ${nextVersion}
       where id = ? and state in (${openStates.map((state) => `'${state}'`).join()})`,
    JSON.stringify(progress),
    id,
  );
}

/** The newest first. */
export function listRows(database: JobsDatabase, query: JobQuery): readonly Job[] {
  const { states, kind, owner, before } = query;
  const conditions: [string, readonly SqlValue[]][] = [];
  if (states) conditions.push([`state in (${states.map(() => "?").join()})`, states]);
  if (kind !== undefined) conditions.push(["kind = ?", [kind]]);
  if (owner !== undefined) conditions.push(["owner = ?", [owner]]);
  if (before !== undefined) conditions.push(["id < ?", [before]]);
  const where = conditions.map(([condition]) => condition).join(" and ") || "true";
  const sql = `select ${columns} from jobs where ${where} order by id desc limit ?`;
  const values = conditions.flatMap(([, some]) => some);
  return database.all(sql, ...values, Math.min(query.limit, 500)).map(jobOf);
}

/** The number of the last change to any job. */
export function lastVersion(database: JobsDatabase): number {
  return Number(database.get("select last from versions")?.["last"]);
}

/** Jobs that changed after a version, as they are now, by when they did. */
export function changedSince(database: JobsDatabase, version: number, limit: number) {
  const sql = `select version, ${columns} from jobs where version > ? order by version limit ?`;
  return database
    .all(sql, version, limit)
    .map((row) => ({ job: jobOf(row), version: Number(row["version"]) }));
}

/** Removes some jobs that ended before `time`, and all that is known of them. @returns how many */
export function forgetRows(database: JobsDatabase, time: number, limit: number): number {
  const rows = database.all("select id from jobs where ended < ? limit ?", time, limit);
  for (const { id } of rows) {
    const job = String(id);
    database.run("delete from events where job = ?", job);
    database.run("delete from idempotency where job = ?", job);
    database.run("delete from jobs where id = ?", job);
  }
  return rows.length;
}
