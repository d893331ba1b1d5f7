import type { Digest } from "../../core/digest.ts";
import type { GrowingFile } from "./growing-file.ts";
import { removeFiles } from "./removals.ts";
import type { BlobKey, StoreParts } from "./store-parts.ts";

/**
 * Blobs of upstreams. They can be fetched again: so nobody waits for the disk when one is whole, and what was not known to be
 * on it is dropped when the store is opened again.
 */
export class CachedBlobs {
  readonly #parts: StoreParts;
  readonly #syncing = new Set<Promise<void>>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /**
   * Notes on the disk that a blob is coming whose bytes may not be there after power loss. Returns at once with what is to be
   * awaited before it has its name.
   */
  async announce({ repository, digest }: BlobKey): Promise<void> {
    const { database, now } = this.#parts;
    database.run(
      `insert into cached_blobs (repository, digest, size, used_at, safe) values (?, ?, 0, ?, 0)
       on conflict do update set safe = 0`,
      ...[repository.id, digest, now()],
    );
    await database.durable();
  }

  /** Repositories of a domain that have a blob of their upstream's; 20 at most. */
  holders(domain: string, digest: Digest): readonly string[] {
    const sql = `select r.name from cached_blobs c join repositories r on r.id = c.repository
      where c.digest = ? and c.size > 0 and r.name > ? and r.name < ? limit 20`;
    const rows = this.#parts.database.all(sql, digest, `${domain}/`, `${domain}0`);
    return rows.map((row) => String(row["name"]));
  }

  /** Makes a verified file a blob, and brings it to the disk behind the caller's back. */
  async take(key: BlobKey, file: GrowingFile): Promise<void> {
    const { blobs, openBlobs } = this.#parts;
    const { repository, digest } = key;
    await blobs.makeLayout(repository.name, { durable: false });
    await blobs.publish(file.path, repository.name, digest);
    await openBlobs.forget(repository.name, digest);
    this.#note(key, file.size);
    const syncing = this.#sync(key).finally(() => this.#syncing.delete(syncing));
    this.#syncing.add(syncing);
  }

  /** One that another repository has, whose bytes are on the disk. */
  adopted(key: BlobKey, size: number): void {
    this.#note(key, size);
    this.#setSafe(key);
  }

  /** One that was pushed here, and that its upstream has too. */
  release({ repository, digest }: BlobKey, size: number): void {
    this.#parts.database.run(
      `insert or ignore into cached_blobs (repository, digest, size, used_at, safe)
       values (?, ?, ?, ?, 1)`,
      ...[repository.id, digest, size, this.#parts.now()],
    );
  }

  #note({ repository, digest }: BlobKey, size: number): void {
    this.#parts.database.run(
      `update cached_blobs set size = ?, used_at = ? where repository = ? and digest = ?`,
      ...[size, this.#parts.now(), repository.id, digest],
    );
  }

  async #sync(key: BlobKey): Promise<void> {
    const { blobs, report } = this.#parts;
    try {
      await blobs.sync(key.repository.name, key.digest);
      this.#setSafe(key);
    } catch (error) {
      report({ type: "background-failed", what: "syncing a cached blob", error });
    }
  }

  #setSafe({ repository, digest }: BlobKey): void {
    const sql = "update cached_blobs set safe = 1 where repository = ? and digest = ?";
    this.#parts.database.run(sql, repository.id, digest);
  }

  /** It is the repository's own from now on, and is never evicted: that is on the disk too when this returns. */
  async pin(repository: number, digest: Digest): Promise<void> {
    const { database } = this.#parts;
    const sql = "select 1 from cached_blobs where repository = ? and digest = ?";
    if (database.get(sql, repository, digest) === undefined) return;
    database.run(
      "delete from cached_blobs where repository = ? and digest = ?",
      repository,
      digest,
    );
    await database.durable();
  }

  /** Drops what may not be on the disk: after power loss it can have its name and length, and other bytes. */
  async dropUnsafe(): Promise<void> {
    const { database, blobs } = this.#parts;
    const sql = `select c.digest, r.id, r.name from cached_blobs c
      join repositories r on r.id = c.repository where c.safe = 0`;
    for (const row of database.all(sql)) {
      const digest = row["digest"] as Digest;
      const repository = { id: Number(row["id"]), name: String(row["name"]) };
      await removeFiles(this.#parts, repository, [digest], () => true);
      await blobs.freeShared(digest);
    }
  }

  async idle(): Promise<void> {
    await Promise.all(this.#syncing);
  }
}
