import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { StoreDatabase } from "./database.ts";
import type { ManifestParts } from "./manifest-parts.ts";
import type { ManifestRecord } from "./records.ts";

/** A manifest that comes in. */
export interface NewManifest {
  readonly repository: number;
  readonly manifest: RawManifest;
  readonly parts: ManifestParts;
  /** It may be evicted, unless it is here to stay already. */
  readonly cached: boolean;
  /** The file was there before. */
  readonly asBlob: boolean;
  readonly at: number;
}

/** Who changes what a tag stands for, and when. */
export interface TagChange {
  readonly repository: number;
  readonly tag: string;
  readonly at: number;
  readonly user: string | undefined;
}

/** Changes the database; each of these is called in a transaction, and says with {@link changed} what index.json has to show. */
export class RecordChanges {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** Gives the manifest's number. One that is there stays as it is, but for its age. */
  keepManifest(put: NewManifest): number {
    const { repository, manifest, parts, at } = put;
    const there = this.#database.get(
      `update manifests set held_at = ?, used_at = ?, media_type = ?, cached = min(cached, ?)
       where repository = ? and digest = ? returning id`,
      ...[at, at, manifest.mediaType, Number(put.cached), repository, manifest.digest],
    );
    if (there !== undefined) return Number(there["id"]);
    const { subject, artifactType, annotations } = parts;
    const listed = subject !== undefined;
    const row = this.#database.get(
      `insert into manifests (repository, digest, media_type, size, subject, artifact_type, annotations,
         held_at, used_at, cached, as_blob) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id`,
      ...[repository, manifest.digest, manifest.mediaType, manifest.bytes.byteLength],
      ...[subject ?? null, (listed ? artifactType : undefined) ?? null],
      ...[listed && annotations ? JSON.stringify(annotations) : null],
      ...[at, at, Number(put.cached), Number(put.asBlob)],
    );
    const id = Number(row?.["id"]);
    this.#keepNamed(id, put);
    return id;
  }

  #keepNamed(manifest: number, { repository, parts }: NewManifest): void {
    const sql = `insert or ignore into named (digest, repository, manifest, size, instance)
      values (?, ?, ?, ?, ?)`;
    for (const { digest, size, instance } of parts.named) {
      this.#database.run(sql, digest, repository, manifest, size, Number(instance));
    }
  }

  /** Gives whether it stood for something else before. */
  moveTag(change: TagChange, manifest: { readonly id: number; readonly digest: Digest }): boolean {
    const { repository, tag, at } = change;
    const before = this.#tagged(repository, tag);
    const sql =
      "insert or replace into tags (repository, tag, manifest, checked_at) values (?, ?, ?, ?)";
    this.#database.run(sql, repository, tag, manifest.id, at);
    if (before === manifest.id) return false;
    if (before !== undefined) this.#heldUntil(before, at);
    this.#noteMove(change, manifest.digest);
    return true;
  }

  /** False where there is none. */
  removeTag(change: TagChange): boolean {
    const { repository, tag, at } = change;
    const before = this.#tagged(repository, tag);
    if (before === undefined) return false;
    this.#database.run("delete from tags where repository = ? and tag = ?", repository, tag);
    this.#heldUntil(before, at);
    this.#noteMove(change, null);
    return true;
  }

  /** With what it names; its tags must be gone. */
  removeManifest({ id }: Pick<ManifestRecord, "id">): void {
    this.#database.run("delete from named where manifest = ?", id);
    this.#database.run("delete from manifests where id = ?", id);
  }

  /** A manifest's bytes are a blob too from now on, or are not. */
  setAsBlob(manifest: number, asBlob: boolean): void {
    this.#database.run("update manifests set as_blob = ? where id = ?", Number(asBlob), manifest);
  }

  /** It may be evicted from now on. */
  release(manifest: number): void {
    this.#database.run("update manifests set cached = 1 where id = ?", manifest);
  }

  /** index.json has something to show. */
  changed(repository: number): void {
    this.#database.run("update repositories set revision = revision + 1 where id = ?", repository);
  }

  /** Blobs of it are going. */
  sweeps(repository: number): void {
    this.#database.run("update repositories set swept = swept + 1 where id = ?", repository);
  }

  #tagged(repository: number, tag: string): number | undefined {
    const sql = "select manifest from tags where repository = ? and tag = ?";
    const row = this.#database.get(sql, repository, tag);
    return row && Number(row["manifest"]);
  }

  #heldUntil(manifest: number, at: number): void {
    this.#database.run("update manifests set held_at = ? where id = ?", at, manifest);
  }

  #noteMove({ repository, tag, at, user }: TagChange, digest: Digest | null): void {
    const sql = "insert into tag_moves (repository, tag, digest, at, user) values (?, ?, ?, ?, ?)";
    this.#database.run(sql, repository, tag, digest, at, user ?? null);
    // A tag that moves every minute would fill the disk with where it was.
    this.#database.run(
      `delete from tag_moves where repository = ? and tag = ? and id <= (select id from tag_moves
        where repository = ? and tag = ? order by id desc limit 1 offset 100)`,
      ...[repository, tag, repository, tag],
    );
  }
}
