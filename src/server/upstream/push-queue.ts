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
  /** Whether the upstream would not have it: those behind it no longer wait for it. */
  readonly refused: boolean;
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

/** What releases before this one had no word for; they take no notice of it. */
const laterColumns = {
  refused: "integer not null default 0",
  claimed_until: "integer not null default 0",
  claimed_by: "text not null default ''",
};

/** Those that wait for no other of their repository: the first, and what was refused. */
const firstSql =
  "(refused = 1 or id in (select min(id) from pushes where refused = 0 group by domain, path))";

/** When one may be tried: not while another of its repository is under way. */
const fromSql = `max(next_try_at, (
  select max(claimed_until) from pushes as other
  where other.domain = pushes.domain and other.path = pushes.path))`;

const nextSql = `
  select * from pushes where ${firstSql} and ${fromSql} <= ? order by next_try_at, id limit 1`;

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
  readonly refused: number;
}

/**
 * Pushes that were acknowledged and are to be passed on, in a file. What {@link add} has returned from survives the machine.
 * Several processes may have it open: a push that is {@link claim}ed is left alone by the others for a while.
 *
 * Within a repository nothing overtakes but what was {@link refused}: that is left behind, and tried again apart.
 */
export class PushQueue implements Disposable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;

  constructor(path: string, now: () => number) {
    this.#now = now;
    this.#database = new DatabaseSync(path, { timeout: 10_000 });
    this.#database.exec("pragma journal_mode = wal; pragma synchronous = full");
    this.#database.exec(schema);
    addColumns(this.#database);
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

  /** The next whose time has come, for nobody but `owner` during `forMs`. */
  claim(forMs: number, owner: string): QueuedPush | undefined {
    this.#database.exec("begin immediate");
    try {
      const now = this.#now();
      const row = this.#database.prepare(nextSql).get(now) as Row | undefined;
      if (row) this.#take(row.id, now + forMs, owner);
      this.#database.exec("commit");
      return row && toPush(row);
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("rollback");
      throw error;
    }
  }

  /** Who has claimed some that are under way. */
  owners(): readonly string[] {
    const sql = "select distinct claimed_by as owner from pushes where claimed_until > ?";
    return this.#database
      .prepare(sql)
      .all(this.#now())
      .map(({ owner }) => String(owner));
  }

  /** What this owner has claimed is free: it is gone. */
  release(owner: string): void {
    const sql =
      "update pushes set claimed_until = 0, next_try_at = ? where claimed_by = ? and claimed_until > ?";
    this.#database.prepare(sql).run(this.#now(), owner, this.#now());
  }

  /** A push as it waits by now; undefined where it was taken back. */
  current({ id }: QueuedPush): QueuedPush | undefined {
    const row = this.#database.prepare("select * from pushes where id = ?").get(id);
    return row && toPush(row as unknown as Row);
  }

  /** It is there: what was refused before it does not take its tags back. */
  done(push: QueuedPush): void {
    const { id, domain, path, tags } = push;
    this.#database.prepare("delete from pushes where id = ?").run(id);
    const sql =
      "select id, digest, tags from pushes where domain = ? and path = ? and refused = 1 and id < ?";
    const before = this.#database.prepare(sql).all(domain, path, id) as unknown as readonly Row[];
    for (const row of before) this.#leaveTags(row, (tag) => !tags.includes(tag));
  }

  /** It is tried again, and those behind it wait. */
  failed(push: QueuedPush, error: string, retryInMs: number): void {
    this.#putBack(push, { error, retryInMs, refused: 0 });
  }

  /** Its upstream would not have it: it is tried again, and those behind it go on. */
  refused(push: QueuedPush, error: string, retryInMs: number): void {
    this.#putBack(push, { error, retryInMs, refused: 1 });
  }

  /** What was refused is to be tried at once. */
  retryRefused(): void {
    const sql = "update pushes set next_try_at = ? where refused = 1 and claimed_until <= ?";
    this.#database.prepare(sql).run(this.#now(), this.#now());
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
    for (const row of concerned) {
      if (reference.type === "tag") this.#leaveTags(row, (tag) => tag !== reference.tag);
      else this.#database.prepare("delete from pushes where id = ?").run(row.id);
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
    const sql = `select min(${fromSql}) as at from pushes where ${firstSql}`;
    const row = this.#database.prepare(sql).get() as { readonly at: number | null } | undefined;
    return row?.at == null ? undefined : Math.max(0, row.at - this.#now());
  }

  /** All of those waiting, in order. */
  states(): readonly PushState[] {
    const rows = this.#database
      .prepare(
        "select id, domain, path, digest, tags, queued_at, next_try_at, attempts, error, refused from pushes order by id",
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
      refused: row.refused === 1,
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

  /** Earlier releases look at `next_try_at` alone. */
  #take(id: number, until: number, owner: string): void {
    const sql = "update pushes set claimed_until = ?, claimed_by = ?, next_try_at = ? where id = ?";
    this.#database.prepare(sql).run(until, owner, until, id);
  }

  #putBack(
    { id }: QueuedPush,
    { error, retryInMs, refused }: { error: string; retryInMs: number; refused: 0 | 1 },
  ): void {
    const sql = `update pushes set attempts = attempts + 1, error = ?, next_try_at = ?, refused = ?,
      claimed_until = 0 where id = ?`;
    this.#database.prepare(sql).run(error, this.#now() + retryInMs, refused, id);
  }

  /** A push that has none of its tags left is over; one that had none is not. */
  #leaveTags({ id, tags: text }: Pick<Row, "id" | "tags">, stays: (tag: string) => boolean): void {
    const tags = JSON.parse(text) as string[];
    const left = tags.filter(stays);
    if (left.length === tags.length) return;
    const remove = this.#database.prepare("delete from pushes where id = ?");
    const keep = this.#database.prepare("update pushes set tags = ? where id = ?");
    if (left.length === 0) remove.run(id);
    else keep.run(JSON.stringify(left), id);
  }
}

function addColumns(database: DatabaseSync): void {
  database.exec("begin immediate");
  const known = database.prepare("select name from pragma_table_info('pushes')").all();
  for (const [name, type] of Object.entries(laterColumns))
    if (!known.some((column) => column["name"] === name))
      database.exec(`alter table pushes add column ${name} ${type}`);
  database.exec("commit");
}

function toPush({ id, domain, path, digest, type, bytes, tags, attempts }: Row): QueuedPush {
  const manifest = { mediaType: type, digest: parseDigest(digest), bytes };
  return { id, domain, path, manifest, tags: JSON.parse(tags) as string[], attempts };
}
