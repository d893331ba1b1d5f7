import type { Digest } from "../../core/digest.ts";
import type { StoreDatabase } from "./database.ts";

/** So many are remembered before they are written: a moment's work. */
const maxNoted = 2000;

/** When what can be evicted was used last: noted in memory, and written now and then. */
export class Uses {
  readonly #database: StoreDatabase;
  readonly #manifests = new Map<number, number>();
  readonly #blobs = new Map<
    string,
    { readonly name: string; readonly digest: Digest; at: number }
  >();

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  manifest(id: number, at: number): void {
    this.#manifests.set(id, at);
    if (this.#manifests.size > maxNoted) this.write();
  }

  /** Whether it can be evicted shows when this is written. */
  blob(name: string, digest: Digest, at: number): void {
    const key = `${name} ${digest}`;
    const noted = this.#blobs.get(key);
    if (noted) noted.at = at;
    else this.#blobs.set(key, { name, digest, at });
    if (this.#blobs.size > maxNoted) this.write();
  }

  /** Brings what was noted to the database. */
  write(): void {
    if (this.#manifests.size + this.#blobs.size === 0) return;
    this.#database.transaction(() => {
      for (const [id, at] of this.#manifests) this.#writeManifest(id, at);
      const blobs = `update cached_blobs set used_at = max(used_at, ?) where digest = ?
        and repository = (select id from repositories where name = ?)`;
      for (const { name, digest, at } of this.#blobs.values()) {
        this.#database.run(blobs, at, digest, name);
      }
    });
    this.#manifests.clear();
    this.#blobs.clear();
  }

  /** Whoever reads a manifest counts on what it names. */
  #writeManifest(id: number, at: number): void {
    this.#database.run("update manifests set used_at = max(used_at, ?) where id = ?", at, id);
    this.#database.run(
      `update cached_blobs set used_at = max(used_at, ?) where (repository, digest) in
        (select repository, digest from named where manifest = ?)`,
      ...[at, id],
    );
  }
}
