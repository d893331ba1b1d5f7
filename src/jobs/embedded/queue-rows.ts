import type { Settlement } from "../held-lease.ts";
import type { JobsDatabase } from "./database.ts";

/** How many that were buried are kept. */
const buriedKept = 1000;

/** A lease by what only its holder knows. */
export interface HeldRow {
  readonly key: string;
  readonly token: string;
}

/** The time, and the one before which leases have run out. */
interface LeaseTime {
  readonly now: number;
  readonly lapsed: number;
}

/** The rows of one queue, for use inside of the database's read and write. */
export class QueueRows {
  readonly #database: JobsDatabase;
  readonly #name: string;

  constructor(database: JobsDatabase, name: string) {
    this.#database = database;
    this.#name = name;
  }

  /** Puts a job at the end, or where it waits for its time. @returns false where its key is there */
  add(
    row: { readonly key: string; readonly job: string; readonly due: number | undefined },
    now: number,
  ): boolean {
    const sql = "insert into queue (name, key, job) values (?, ?, ?) on conflict do nothing";
    if (this.#database.run(sql, this.#name, row.key, row.job) === 0) return false;
    this.#place(row.key, row.due ?? now, now);
    return true;
  }

  #place(key: string, due: number, now: number): void {
    if (due > now) {
      const sql = "update queue set place = null, due = ? where name = ? and key = ?";
      this.#database.run(sql, Math.ceil(due), this.#name, key);
    } else {
      const last = "select max(place) as last from queue where name = ? and place is not null";
      const place = Number(this.#database.get(last, this.#name)?.["last"] ?? 0) + 1;
      const sql = "update queue set due = null, place = ? where name = ? and key = ?";
      this.#database.run(sql, place, this.#name, key);
    }
  }

  #delete(key: string): void {
    this.#database.run("delete from queue where name = ? and key = ?", this.#name, key);
  }

  /** Removes what waits, or whose lease has run out by `lapsed`. */
  remove(key: string, lapsed: number): "removed" | "running" | "absent" {
    const sql = "select until from queue where name = ? and key = ?";
    const row = this.#database.get(sql, this.#name, key);
    if (row === undefined) return "absent";
    if (row["until"] !== null && Number(row["until"]) > lapsed) return "running";
    this.#delete(key);
    return "removed";
  }

  /** When {@link give} may have something to give, or to mend: not after now where it has. */
  nextTurn({ now, lapsed }: LeaseTime, leaseMs: number): number {
    if (this.#first() !== undefined) return now;
    const tooLong = "select 1 from queue where name = ? and until > ? limit 1";
    if (this.#database.get(tooLong, this.#name, now + 2 * leaseMs) !== undefined) return now;
    const [due = 0, until = 0] = ["due", "until"].map((column) => {
      const sql = `select min(${column}) as least from queue where name = ? and ${column} is not null`;
      return Number(this.#database.get(sql, this.#name)?.["least"] ?? Number.POSITIVE_INFINITY);
    });
    return Math.min(due, until + now - lapsed);
  }

  #first() {
    return this.#database.get(
      `select key, job, tries from queue
         where name = ? and place is not null and token is null order by place limit 1`,
      this.#name,
    );
  }

  /** Leases the first that waits, after those whose time has come, or whose lease has run out, wait too. */
  give(lease: LeaseTime & { readonly token: string; readonly leaseMs: number }) {
    const { token, now, lapsed, leaseMs } = lease;
    // The clock was set back. Who has it renews it; of who was killed it runs out.
    const tooLong = "update queue set until = ? where name = ? and until > ?";
    this.#database.run(tooLong, now + leaseMs, this.#name, now + 2 * leaseMs);
    this.#database.run(
      "update queue set token = null, until = null, tries = tries + 1 where name = ? and until <= ?",
      this.#name,
      lapsed,
    );
    const due = "select key from queue where name = ? and due <= ? order by due, rowid";
    for (const { key } of this.#database.all(due, this.#name, now)) {
      this.#place(String(key), now, now);
    }
    const row = this.#first();
    if (row === undefined) return undefined;
    const key = String(row["key"]);
    const sql = "update queue set token = ?, until = ? where name = ? and key = ?";
    this.#database.run(sql, token, now + leaseMs, this.#name, key);
    return { key, job: String(row["job"]), attempt: Number(row["tries"]) + 1 };
  }

  /** Makes a lease last until `until`. @returns false where somebody else has it, or nobody */
  renew({ key, token }: HeldRow, until: number): boolean {
    const sql = "update queue set until = ? where name = ? and key = ? and token = ?";
    return this.#database.run(sql, until, this.#name, key, token) === 1;
  }

  /** Ends a lease. @returns false, and nothing has changed, where somebody else has it, or nobody */
  settle({ key, token }: HeldRow, how: Settlement, now: number): boolean {
    const sql = "select job from queue where name = ? and key = ? and token = ?";
    const row = this.#database.get(sql, this.#name, key, token);
    if (row === undefined) return false;
    if (how.type === "bury") this.#bury(key, String(row["job"]), how.reason, now);
    if (how.type === "done" || how.type === "bury") {
      this.#delete(key);
      return true;
    }
    const failed = how.type === "again" ? 1 : 0;
    this.#database.run(
      "update queue set token = null, until = null, tries = tries + ? where name = ? and key = ?",
      ...[failed, this.#name, key],
    );
    if (how.type === "again") this.#place(key, how.notBefore, now);
    return true;
  }

  #bury(...[key, job, reason, at]: readonly [string, string, string, number]): void {
    const sql = "insert into buried (name, key, job, reason, at) values (?, ?, ?, ?, ?)";
    this.#database.run(sql, this.#name, key, job, reason, at);
    this.#database.run(
      "delete from buried where number <= (select max(number) from buried) - ?",
      buriedKept,
    );
  }

  /** How many wait, wait for their time, and run; those whose lease has run out wait. */
  sizes({ now, lapsed }: LeaseTime) {
    const row = this.#database.get(
      `select count(*) as every, count(*) filter (where due > ?) as delayed,
         count(*) filter (where until > ?) as running from queue where name = ?`,
      ...[now, lapsed, this.#name],
    );
    const every = Number(row?.["every"]);
    const delayed = Number(row?.["delayed"]);
    const running = Number(row?.["running"]);
    return { waiting: every - delayed - running, delayed, running };
  }
}
