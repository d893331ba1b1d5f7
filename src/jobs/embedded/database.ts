import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { GroupSync, syncDescriptor, syncFolder } from "../../stream/group-sync.ts";
import { type ChangePoll, Changes, type JobChanges } from "../changes.ts";
import { JobError } from "../errors.ts";
import { migrations } from "./schema.ts";

/** A value of a column. */
export type SqlValue = string | number | null;

/** A row by its columns' names. */
export type Row = Readonly<Record<string, SqlValue>>;

/** How long SQLite itself waits for another process, with the whole of ours. */
const blockMs = 5;
/** Between two looks at whether another process has ended its change. */
const retryMs = 10;
/** SQLITE_BUSY and SQLITE_LOCKED — sqlite.org/rescode.html. */
const busy: ReadonlySet<number> = new Set([5, 6]);
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged: ReadonlySet<number> = new Set([11, 26]);

/** How a file of jobs is used. */
export interface DatabaseOptions {
  /** How long other processes' changes are waited for. */
  readonly patienceMs: number;
  /** How often other processes' changes are looked for while somebody waits for one. */
  readonly pollMs: number;
}

/**
 * A file of jobs that several processes have open. Work on it is synchronous and short; who finds it busy waits without
 * keeping others of this process waiting. A change survives the process; {@link durable} makes it survive the machine.
 */
export class JobsDatabase {
  readonly changes: JobChanges;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #path: string;
  readonly #patienceMs: number;
  readonly #wal: number;
  readonly #walSync: GroupSync;
  #walNamed = false;
  #users = 0;
  #open = true;

  private constructor(database: DatabaseSync, path: string, options: DatabaseOptions) {
    this.#database = database;
    this.#path = path;
    this.#patienceMs = options.patienceMs;
    this.#wal = openSync(`${path}-wal`, "r");
    this.#walSync = new GroupSync(() => this.#sync(dirname(path)));
    const { pollMs: everyMs } = options;
    this.changes = {
      queue: new Changes(this.#poll(everyMs)),
      ledger: new Changes(this.#poll(everyMs)),
    };
  }

  /** @throws {JobError} `job.queue-unreachable` */
  static async open(path: string, options: DatabaseOptions): Promise<JobsDatabase> {
    return await patiently(path, options.patienceMs, () => {
      const database = new DatabaseSync(path, { timeout: blockMs });
      try {
        database.exec("pragma journal_mode = wal; pragma synchronous = normal");
        migrate(database, path);
        return new JobsDatabase(database, path, options);
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** For use inside of {@link read} and {@link write}, as the next two. */
  get(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  all(sql: string, ...values: readonly SqlValue[]): readonly Row[] {
    return this.#prepared(sql).all(...values) as unknown as readonly Row[];
  }

  /** Gives how many rows changed. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** All that `work` reads is of one moment; for use inside of {@link read}. */
  atOnce<T>(work: () => T): T {
    this.#begin("begin");
    try {
      return work();
    } finally {
      this.#rollback();
    }
  }

  #begin(how: "begin" | "begin immediate"): void {
    this.#rollback(); // where one could not be ended that failed, nothing would work any more
    this.#prepared(how).run();
  }

  #rollback(): void {
    if (this.#database.isTransaction) this.#database.exec("rollback");
  }

  /** @throws {JobError} `job.queue-unreachable` */
  read<T>(work: () => T): Promise<T> {
    return patiently(this.#path, this.#patienceMs, work);
  }

  /**
   * Nobody else changes anything while `work` runs, in whatever process; what it throws undoes it. Those who wait for such a
   * change are told.
   *
   * @throws {JobError} `job.queue-unreachable`
   */
  async write<T>(what: keyof JobChanges, work: () => T): Promise<T> {
    const result = await patiently(this.#path, this.#patienceMs, () => this.#transaction(work));
    this.changes[what].tell();
    return result;
  }

  #transaction<T>(work: () => T): T {
    this.#begin("begin immediate");
    try {
      const result = work();
      this.#prepared("commit").run();
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  /** All changes so far are on the disk when it returns. @throws {JobError} `job.queue-unreachable` */
  async durable(): Promise<void> {
    try {
      await this.#walSync.done();
    } catch (error) {
      throw unreachable(this.#path, error);
    }
  }

  /** The log was made anew when the database was opened, unless somebody had it open: its name counts too. */
  async #sync(folder: string): Promise<void> {
    if (!this.#open) throw new Error("sync of a database that is closed");
    if (!this.#walNamed) await syncFolder(folder);
    this.#walNamed = true;
    await syncDescriptor(this.#wal);
  }

  #readDataVersion(): number {
    return Number(this.get("pragma data_version")?.["data_version"]);
  }

  /** Whether others have changed something since it was last asked. */
  #poll(everyMs: number): ChangePoll {
    let seen = this.#readDataVersion();
    const changed = () => {
      let version: number;
      try {
        version = this.#readDataVersion();
      } catch {
        return true; // who waits looks for himself then, and is told what is wrong
      }
      const isNew = version !== seen;
      seen = version;
      return isNew;
    };
    return { everyMs, changed };
  }

  /** One more has to {@link leave} before it is closed. */
  join(): this {
    this.#users++;
    return this;
  }

  leave(): void {
    if (--this.#users > 0 || !this.#open) return;
    this.#open = false;
    this.changes.queue.close();
    this.changes.ledger.close();
    this.#statements.clear();
    this.#database.close();
    closeSync(this.#wal);
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const versionOf = () =>
    Number((database.prepare("pragma user_version").get() as Row)["user_version"]);
  if (versionOf() === migrations.length) return;
  database.exec("begin immediate");
  const version = versionOf();
  if (version > migrations.length) {
    throw new JobError(
      "job.queue-unreachable",
      `The jobs in ${path} are of a newer version of amphora`,
      {
        hint: "Run the version that has last used them, or a newer one",
      },
    );
  }
  for (const step of migrations.slice(version)) database.exec(step);
  database.exec(`pragma user_version = ${migrations.length}; commit`);
}

/** Does it, again and again as long as others are at it. */
async function patiently<T>(path: string, patienceMs: number, work: () => T): Promise<T> {
  for (const began = performance.now(); ; ) {
    try {
      return work();
    } catch (error) {
      const code = sqliteCodeOf(error);
      if (code === undefined) throw error;
      if (!busy.has(code) || performance.now() - began > patienceMs) throw unreachable(path, error);
    }
    await pause(1 + Math.random() * retryMs);
  }
}

/** The primary result code, where SQLite says that it failed. */
function sqliteCodeOf(error: unknown): number | undefined {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (code !== "ERR_SQLITE_ERROR") return undefined;
  return typeof errcode === "number" ? errcode & 0xff : 0;
}

function unreachable(path: string, cause: unknown): JobError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const text = `Cannot reach the jobs: ${path} cannot be used: ${why}`;
  return new JobError("job.queue-unreachable", text, {
    hint: damaged.has(sqliteCodeOf(cause) ?? 0)
      ? "The file of jobs is damaged: moved away it is made anew, and the jobs in it are lost"
      : "Look whether the disk is full, and who else has the file open",
    retryable: true,
    cause,
  });
}
