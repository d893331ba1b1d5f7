import { DatabaseSync } from "node:sqlite";
import { parseDigest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { ManifestReference } from "../v2/backend.ts";

/** A manifest that its upstream is still to get. */
export interface QueuedPush {
  readonly id: number;
  /** The domain of the repository, which is the upstream's name. */
  readonly domain: string;
  readonly path: string;
  readonly manifest: RawManifest;
  readonly tags: readonly string[];
  readonly attempts: number;
}

/** What is to be told of a push that waits. */
export interface PushState {
  /** `domain/path`. */
  readonly repository: string;
  readonly digest: string;
  readonly tags: readonly string[];
  /** Milliseconds since 1970. */
  readonly queuedAt: number;
  readonly nextTryAt: number;
  readonly attempts: number;
  /** What the last try failed by. */
  readonly error: string | undefined;
}

/** A push to be queued. */
export type NewPush = Pick<QueuedPush, "domain" | "path" | "manifest" | "tags">;

const schema = `
  create table if not exists pushes (
    id integer primary key autoincrement,
    domain text not null, path text not null,
    digest text not null, type text not null, bytes blob not null, tags text not null,
    queued_at integer not null, next_try_at integer not null, attempts integer not null default 0, error text
  )`;

/** The first of each repository, if its time has come: within a repository nothing overtakes. */
const nextSql = `
  select * from pushes
  where id in (select min(id) from pushes group by domain, path) and next_try_at <= ?
  order by next_try_at, id limit 1`;

interface Row {
  readonly id: number;
  readonly domain: string;
  readonly path: string;
  readonly digest: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly tags: string;
  readonly queued_at: number;
  readonly next_try_at: number;
  readonly attempts: number;
  readonly error: string | null;
}

/**
 * Pushes that were acknowledged and are to be passed on, in a file. What {@link add} has returned from survives the machine.
 * Several processes may have it open: a push that is {@link claim}ed is left alone by the others for a while.
 */
export class PushQueue implements Disposable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;

  constructor(path: string, now: () => number) {
    this.#now = now;
    this.#database = new DatabaseSync(path, { timeout: 10_000 });
    this.#database.exec("pragma journal_mode = wal; pragma synchronous = full");
    this.#database.exec(schema);
  }

  add({ domain, path, manifest, tags }: NewPush): void {
    this.#database
      .prepare(
        "insert into pushes (domain, path, digest, type, bytes, tags, queued_at, next_try_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(
        domain,
        path,
        manifest.digest,
        manifest.mediaType,
        manifest.bytes,
        JSON.stringify(tags),
        this.#now(),
        this.#now(),
      );
  }

  /** The next whose time has come, for nobody else during `forMs`. */
  claim(forMs: number): QueuedPush | undefined {
    this.#database.exec("begin immediate");
    try {
      const row = this.#database.prepare(nextSql).get(this.#now()) as Row | undefined;
      if (row) this.#setNext(row.id, this.#now() + forMs);
      this.#database.exec("commit");
      return row && toPush(row);
    } catch (error) {
      this.#database.exec("rollback");
      throw error;
    }
  }

  /** A push as it waits by now; undefined where it was taken back. */
  current({ id }: QueuedPush): QueuedPush | undefined {
    const row = this.#database.prepare("select * from pushes where id = ?").get(id);
    return row && toPush(row as unknown as Row);
  }

  done({ id }: QueuedPush): void {
    this.#database.prepare("delete from pushes where id = ?").run(id);
  }

  failed({ id }: QueuedPush, error: string, retryInMs: number): void {
    this.#database
      .prepare("update pushes set attempts = attempts + 1, error = ?, next_try_at = ? where id = ?")
      .run(error, this.#now() + retryInMs, id);
  }

  /** Takes back what was not passed on yet: of a tag, or with all its tags. */
  withdraw(repository: Pick<QueuedPush, "domain" | "path">, reference: ManifestReference): boolean {
    const { domain, path } = repository;
    const sql = "select id, digest, tags from pushes where domain = ? and path = ?";
    const rows = this.#database.prepare(sql).all(domain, path) as unknown as readonly Row[];
    const concerned = rows.filter(({ digest, tags }) =>
      reference.type === "digest"
        ? digest === reference.digest
        : (JSON.parse(tags) as string[]).includes(reference.tag),
    );
    for (const { id, tags } of concerned) {
      const left = (JSON.parse(tags) as string[]).filter(
        (tag) => reference.type === "tag" && tag !== reference.tag,
      );
      const remove = this.#database.prepare("delete from pushes where id = ?");
      const keep = this.#database.prepare("update pushes set tags = ? where id = ?");
      if (left.length === 0) remove.run(id);
      else keep.run(JSON.stringify(left), id);
    }
    return concerned.length > 0;
  }

  /** Whether a tag is on its way. */
  holds({ domain, path }: Pick<QueuedPush, "domain" | "path">, tag: string): boolean {
    const sql = "select tags from pushes where domain = ? and path = ?";
    const rows = this.#database.prepare(sql).all(domain, path) as unknown as readonly Row[];
    return rows.some(({ tags }) => (JSON.parse(tags) as string[]).includes(tag));
  }

  /** In how many milliseconds there is something to do; undefined: nothing waits. */
  nextInMs(): number | undefined {
    const sql =
      "select min(next_try_at) as at from pushes where id in (select min(id) from pushes group by domain, path)";
    const row = this.#database.prepare(sql).get() as { readonly at: number | null } | undefined;
    return row?.at == null ? undefined : Math.max(0, row.at - this.#now());
  }

  /** All of those waiting, in order. */
  states(): readonly PushState[] {
    const rows = this.#database
      .prepare(
        "select id, domain, path, digest, tags, queued_at, next_try_at, attempts, error from pushes order by id",
      )
      .all() as unknown as readonly Row[];
    return rows.map((row) => ({
      repository: `${row.domain}/${row.path}`,
      digest: row.digest,
      tags: JSON.parse(row.tags) as string[],
      queuedAt: row.queued_at,
      nextTryAt: row.next_try_at,
      attempts: row.attempts,
      error: row.error ?? undefined,
    }));
  }

  /** Those waiting, whole: what must not be forgotten. */
  all(): readonly QueuedPush[] {
    const rows = this.#database.prepare("select * from pushes order by id").all();
    return (rows as unknown as readonly Row[]).map(toPush);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #setNext(id: number, at: number): void {
    this.#database.prepare("update pushes set next_try_at = ? where id = ?").run(at, id);
  }
}

function toPush({ id, domain, path, digest, type, bytes, tags, attempts }: Row): QueuedPush {
  const manifest = { mediaType: type, digest: parseDigest(digest), bytes };
  return { id, domain, path, manifest, tags: JSON.parse(tags) as string[], attempts };
}
