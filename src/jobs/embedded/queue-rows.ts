import type { Settlement } from "../held-lease.ts";
import type { JobsDatabase } from "./database.ts";

/** How many that were buried are kept. */
const buriedKept = 1000;
const nextPlace = "(select coalesce(max(place), 0) + 1 from queue where place is not null)";

/** A lease by what only its holder knows. */
export interface HeldRow {
  readonly key: string;
  readonly token: string;
}

/** Puts a job at the end, or where it waits for its time. @returns false where its key is there */
export function addRow(
  database: JobsDatabase,
  row: { readonly key: string; readonly job: string; readonly due: number | undefined },
  now: number,
): boolean {
  if (database.get("select 1 from queue where key = ?", row.key)) return false;
  database.run("insert into queue (key, job) values (?, ?)", row.key, row.job);
  place(database, row.key, row.due ?? now, now);
  return true;
}

function place(database: JobsDatabase, key: string, due: number, now: number): void {
  if (due > now) {
    database.run("update queue set place = null, due = ? where key = ?", Math.ceil(due), key);
  } else {
    database.run(`update queue set due = null, place = ${nextPlace} where key = ?`, key);
  }
}

/** Removes what waits, or whose lease has run out. */
export function removeRow(
  database: JobsDatabase,
  key: string,
  now: number,
): "removed" | "running" | "absent" {
  const row = database.get("select until from queue where key = ?", key);
  if (row === undefined) return "absent";
  if (row["until"] !== null && Number(row["until"]) > now) return "running";
  database.run("delete from queue where key = ?", key);
  return "removed";
}

/** When {@link giveRow} may have something to give: not after now where it has. */
export function nextTurn(database: JobsDatabase, now: number): number {
  if (database.get("select 1 from queue where place is not null and token is null limit 1")) {
    return now;
  }
  const due = database.get("select min(due) as least from queue where due is not null");
  const until = database.get("select min(until) as least from queue where until is not null");
  const times = [due?.["least"], until?.["least"]].filter((time) => typeof time === "number");
  return Math.min(Number.POSITIVE_INFINITY, ...times);
}

/** Leases the first that waits, after those whose time has come, or whose lease has run out, wait too. */
export function giveRow(
  database: JobsDatabase,
  lease: { readonly token: string; readonly now: number; readonly leaseMs: number },
): { readonly key: string; readonly job: string; readonly attempt: number } | undefined {
  const { token, now, leaseMs } = lease;
  database.run(
    "update queue set token = null, until = null, tries = tries + 1 where until <= ?",
    now,
  );
  const due = database.all("select key from queue where due <= ? order by due, rowid", now);
  for (const { key } of due) place(database, String(key), now, now);
  const row = database.get(
    "select key, job, tries from queue where place is not null and token is null order by place limit 1",
  );
  if (row === undefined) return undefined;
  const key = String(row["key"]);
  database.run("update queue set token = ?, until = ? where key = ?", token, now + leaseMs, key);
  return { key, job: String(row["job"]), attempt: Number(row["tries"]) + 1 };
}

/** Makes a lease last until `until`. @returns false where somebody else has it, or nobody */
export function renewRow(database: JobsDatabase, { key, token }: HeldRow, until: number): boolean {
  const sql = "update queue set until = ? where key = ? and token = ?";
  return database.run(sql, until, key, token) === 1;
}

/** Ends a lease. @returns false, and nothing has changed, where somebody else has it, or nobody */
export function settleRow(
  database: JobsDatabase,
  { key, token }: HeldRow,
  how: Settlement,
  now: number,
): boolean {
  const row = database.get("select job from queue where key = ? and token = ?", key, token);
  if (row === undefined) return false;
  if (how.type === "bury") bury(database, key, String(row["job"]), how.reason, now);
  if (how.type === "done" || how.type === "bury") {
    database.run("delete from queue where key = ?", key);
    return true;
  }
  database.run("update queue set token = null, until = null where key = ?", key);
  if (how.type === "again") {
    database.run("update queue set tries = tries + 1 where key = ?", key);
    place(database, key, how.notBefore, now);
  }
  return true;
}

function bury(
  database: JobsDatabase,
  ...[key, job, reason, at]: readonly [string, string, string, number]
): void {
  const sql = "insert into buried (key, job, reason, at) values (?, ?, ?, ?)";
  database.run(sql, key, job, reason, at);
  database.run(
    "delete from buried where number <= (select max(number) from buried) - ?",
    buriedKept,
  );
}

/** How many wait, wait for their time, and run; those whose lease has run out wait. */
export function sizes(database: JobsDatabase, now: number) {
  const row = database.get(
    `select count(*) as every, count(*) filter (where due > ?) as delayed,
       count(*) filter (where until > ?) as running from queue`,
    now,
    now,
  );
  const [every, delayed, running] = ["every", "delayed", "running"].map((name) =>
    Number(row?.[name]),
  ) as [number, number, number];
  return { waiting: every - delayed - running, delayed, running };
}
