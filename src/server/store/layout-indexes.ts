import { renameSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Row, SqlValue, StoreDatabase } from "./database.ts";
import type { TryLock } from "./file-lock.ts";
import type { GrowingFile } from "./growing-file.ts";
import { createLockedFile } from "./locked-file.ts";
import { asDescriptor } from "./records.ts";
import type { StoreEvent } from "./registry-store.ts";
import type { StorePaths } from "./store-paths.ts";

/** What the index files are made of. */
export interface LayoutIndexParts {
  readonly database: StoreDatabase;
  readonly paths: StorePaths;
  readonly tryLock: TryLock;
  readonly report: (event: StoreEvent) => void;
}

const leastDelayMs = 200;
/** Writing takes this part of the time at most, however many tags there are. */
const share = 10;
const pageRows = 1000;

const taggedRows = `select t.tag, m.digest, m.media_type, m.size, m.artifact_type, null as annotations
  from tags t join manifests m on m.id = t.manifest
  where t.repository = ? and t.tag > ? order by t.tag limit ${pageRows}`;
/** What has no tag and is in no index of the repository is shown without a name: otherwise nothing would tell of it. */
const allRows = `select m.digest, m.media_type, m.size, m.artifact_type, null as annotations,
    exists (select 1 from tags t where t.manifest = m.id)
    or exists (select 1 from named n
      where n.digest = m.digest and n.repository = m.repository and n.instance = 1) as named
  from manifests m where m.repository = ? and m.digest > ? order by m.digest limit ${pageRows}`;

interface StaleIndex {
  readonly repository: number;
  readonly name: string;
  readonly revision: number;
}

/**
 * Writes index.json of the repositories from the database, soon after they have changed and never while somebody waits for it.
 * The database counts changes and how many of them each file shows, so that nothing is forgotten, whichever process ends when.
 */
export class LayoutIndexes {
  readonly #parts: LayoutIndexParts;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #delayMs = leastDelayMs;
  #closed = false;

  constructor(parts: LayoutIndexParts) {
    this.#parts = parts;
  }

  /** Something has changed somewhere. */
  schedule(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => void this.#onTime(), this.#delayMs).unref();
  }

  async #onTime(): Promise<void> {
    const began = performance.now();
    try {
      await this.flush();
      this.#timer = undefined;
      if (this.#stale(1).length > 0) this.schedule();
    } catch (error) {
      this.#timer = undefined;
      this.#parts.report({ type: "background-failed", what: "writing index.json", error });
      this.#delayMs = 30_000;
      this.schedule();
      return;
    }
    this.#delayMs = Math.max(leastDelayMs, share * (performance.now() - began));
  }

  /** Writes all that are behind now. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => {});
    this.#writing = this.#writeStale().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** The last flush: nothing is scheduled any more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  async #writeStale(): Promise<void> {
    const seen = new Set<number>();
    for (;;) {
      const next = this.#stale(seen.size + 1).find(({ repository }) => !seen.has(repository));
      if (next === undefined) return;
      seen.add(next.repository);
      await this.#write(next);
    }
  }

  #stale(limit: number): readonly StaleIndex[] {
    const sql =
      "select id, name, revision from repositories where revision <> indexed order by id limit ?";
    return this.#parts.database.all(sql, limit).map((row) => ({
      repository: Number(row["id"]),
      name: String(row["name"]),
      revision: Number(row["revision"]),
    }));
  }

  async #write(stale: StaleIndex): Promise<void> {
    const { database, paths, tryLock, report } = this.#parts;
    await using file = await createLockedFile(paths.uploads, "tmp-", tryLock);
    try {
      const entries = await this.#fill(file, stale);
      await file.sync();
      const path = join(paths.layout(stale.name), "index.json");
      const placed = database.transaction(() => {
        // Another process may have written a later one meanwhile.
        const sql = "update repositories set indexed = ? where id = ? and indexed < ?";
        if (database.run(sql, stale.revision, stale.repository, stale.revision) === 0) return false;
        renameSync(file.path, path);
        return true;
      });
      if (placed) report({ type: "index-written", repository: stale.name, entries });
    } finally {
      await file.unlink();
    }
  }

  async #fill(file: GrowingFile, { repository }: StaleIndex): Promise<number> {
    let entries = 0;
    const add = async (rows: readonly Row[]) => {
      const texts = rows.map((row) => JSON.stringify(entryOf(row)));
      const comma = entries > 0 && texts.length > 0 ? "," : "";
      entries += texts.length;
      await file.append(Buffer.from(comma + texts.join(",")));
      await nextTurn();
    };
    await file.append(
      Buffer.from(
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[',
      ),
    );
    await this.#eachPage(taggedRows, repository, "tag", add);
    await this.#eachPage(allRows, repository, "digest", (rows) =>
      add(rows.filter((row) => row["named"] === 0)),
    );
    await file.append(Buffer.from("]}"));
    return entries;
  }

  async #eachPage(
    sql: string,
    repository: number,
    column: "tag" | "digest",
    add: (rows: readonly Row[]) => Promise<void>,
  ): Promise<void> {
    for (let last: SqlValue = ""; ; ) {
      const rows: readonly Row[] = this.#parts.database.all(sql, repository, last);
      if (rows.length === 0) return;
      await add(rows);
      last = rows.at(-1)?.[column] ?? "";
    }
  }
}

function entryOf(row: Row): object {
  const { artifactType, ...entry } = asDescriptor(row);
  const tag = row["tag"];
  return {
    ...entry,
    ...(tag && { annotations: { "org.opencontainers.image.ref.name": String(tag) } }),
    ...(artifactType && { artifactType }),
  };
}
