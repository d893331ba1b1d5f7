import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import { KnownError } from "../../core/errors.ts";

/** What goes wrong with the files of admission. */
export class AdmissionError extends KnownError<
  "admission.newer-format" | "admission.unusable-file"
> {}

/** A row of an answer. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** A file of SQLite that several processes may have open. */
export interface Database extends Disposable {
  run(sql: string, ...values: readonly SQLInputValue[]): number;
  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[];
  /** All of it, or nothing. */
  transaction(work: () => void): void;
  /** Changes whenever another process has written; not by what is written here. */
  version(): number;
}

/** How a database is made. */
export interface DatabaseForm {
  readonly path: string;
  readonly schema: string;
  /** Of the schema. A file of a higher one is refused. */
  readonly format: number;
  /** Whether a change has to outlive a power cut. */
  readonly durable: boolean;
}

/** @throws {AdmissionError} `admission.newer-format`, `admission.unusable-file` */
export function openDatabase(form: DatabaseForm): Database {
  try {
    return open(form);
  } catch (error) {
    if (error instanceof AdmissionError || !(error instanceof Error)) throw error;
    throw new AdmissionError(
      "admission.unusable-file",
      `Cannot use ${form.path}: ${error.message}`,
      {
        hint: "Put it aside; decisions, or blocks where it is blocked.sqlite, are forgotten then",
        cause: error,
      },
    );
  }
}

function open({ path, schema, format, durable }: DatabaseForm): Database {
  const file = new DatabaseSync(path, { timeout: 10_000 });
  file.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}; PRAGMA foreign_keys = ON`,
  );
  const statements = new Map<string, StatementSync>();
  const statement = (sql: string) => {
    const known = statements.get(sql) ?? file.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const database: Database = {
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    all: (sql, ...values) => statement(sql).all(...values),
    transaction(work) {
      file.exec("BEGIN IMMEDIATE");
      try {
        work();
        file.exec("COMMIT");
      } catch (error) {
        if (file.isTransaction) file.exec("ROLLBACK"); // on a full disk SQLite has done so itself
        throw error;
      }
    },
    version: () => Number(statement("PRAGMA data_version").get()?.["data_version"]),
    [Symbol.dispose]: () => file.close(),
  };
  prepare(database, file, { path, schema, format });
  return database;
}

function prepare(
  database: Database,
  file: DatabaseSync,
  { path, schema, format }: Pick<DatabaseForm, "path" | "schema" | "format">,
): void {
  database.transaction(() => {
    const found = Number(file.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (found > format) {
      throw new AdmissionError(
        "admission.newer-format",
        `${path} is of format ${found}, newer than ${format}`,
        {
          hint: "Use the version of amphora that wrote it, or a newer one",
        },
      );
    }
    if (found === 0) file.exec(`${schema}; PRAGMA user_version = ${format}`);
  });
}
