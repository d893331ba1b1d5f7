import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { GroupSync, syncDescriptor, syncFolder } from "../../stream/group-sync.ts";
import { StoreError } from "./errors.ts";
import { migrations } from "./schema.ts";

/** A value of a column. */
export type SqlValue = string | number | null;

/** A row by its columns' names. */
export type Row = Readonly<Record<string, SqlValue>>;

/** "amph", as SQLite's file format has a place for. */
const applicationId = 0x616d7068;
/** How long somebody else's change is waited for: all changes are short. */
const patienceMs = 10_000;

/**
 * The database of a store. Calls are synchronous, and short. A change is seen by everybody when its transaction ends, and
 * survives the process then; {@link durable} makes it survive the machine.
 *
 * SQLite itself syncs before checkpoints only (`synchronous = normal`), which keeps the database whole. What an answer
 * promises is synced by us, off this thread and for all that wait at once: sqlite.org/wal.html § Performance.
 */
export class StoreDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #wal: number;
  readonly #walSync: GroupSync;
  #walNamed = false;
  #version: number;
  #looked = false;
  #open = true;

  /** @throws {StoreError} `registry-store.newer-format` */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, {
      timeout: patienceMs,
      enableForeignKeyConstraints: false,
    });
    try {
      this.#database.exec("pragma journal_mode = wal; pragma synchronous = normal");
      this.#migrate();
      this.#wal = openSync(`${path}-wal`, "r");
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#walSync = new GroupSync(() => this.#sync(dirname(path)));
    this.#version = this.#readVersion();
  }

  #migrate(): void {
    const versionOf = () => Number(this.get("pragma user_version")?.["user_version"]);
    if (versionOf() === migrations.length) return;
    this.transaction(() => {
      const version = versionOf();
      if (version > migrations.length) throw newerFormat();
      for (const step of migrations.slice(version)) this.#database.exec(step);
      this.#database.exec(`pragma user_version = ${migrations.length}`);
    });
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

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

  /** The log was made anew when the database was opened, unless somebody had it open: its name counts too. */
  async #sync(folder: string): Promise<void> {
    if (!this.#open) throw new Error("sync of a database that is closed");
    if (!this.#walNamed) await syncFolder(folder);
    this.#walNamed = true;
    await syncDescriptor(this.#wal);
  }

  /** Nobody else changes anything while `work` runs, in whatever process; what it throws undoes it. */
  transaction<T>(work: () => T): T {
    this.#prepared("begin immediate").run();
    try {
      const result = work();
      this.#prepared("commit").run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#prepared("rollback").run();
      throw error;
    }
  }

  /** Whether {@link setWhole} was called, by whatever process: until then what is in the folder may not be in it. */
  get isWhole(): boolean {
    return this.get("pragma application_id")?.["application_id"] === applicationId;
  }

  setWhole(): void {
    this.#database.exec(`pragma application_id = ${applicationId}`);
  }

  /** All changes so far are on the disk when it returns. */
  durable(): Promise<void> {
    return this.#walSync.done();
  }

  /** Whether another process has changed something since this was last asked. Looked at once a turn of the event loop. */
  changedElsewhere(): boolean {
    if (this.#looked) return false;
    this.#looked = true;
    setImmediate(() => {
      this.#looked = false;
    });
    const version = this.#readVersion();
    const changed = version !== this.#version;
    this.#version = version;
    return changed;
  }

  #readVersion(): number {
    return Number(this.get("pragma data_version")?.["data_version"]);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#database.close();
    closeSync(this.#wal);
  }
}

function newerFormat(): StoreError {
  return new StoreError(
    "registry-store.newer-format",
    "The data folder is of a newer version of amphora",
    {
      hint: "Run the version that has last used it, or a newer one",
    },
  );
}
