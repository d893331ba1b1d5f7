import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { openFill } from "./blob-fill.ts";
import type { CachedBlobs } from "./cached-blobs.ts";
import { answeringSync } from "./errors.ts";
import { evict } from "./evict.ts";
import type { GrowingFile } from "./growing-file.ts";
import { isKeepable } from "./manifest-parts.ts";
import { putManifest } from "./put-manifest.ts";
import type {
  CachedTag,
  EvictLimits,
  Fill,
  GarbageReport,
  KeepManifestOptions,
  StoreCache,
  StoredName,
} from "./registry-store.ts";
import type { BlobKey, StoreParts } from "./store-parts.ts";
import { storedName } from "./store-paths.ts";

/** What is kept of upstreams, in the same folder as everything else. */
export class FolderCache implements StoreCache {
  readonly #parts: StoreParts;
  readonly #cachedBlobs: CachedBlobs;

  constructor(parts: StoreParts, cachedBlobs: CachedBlobs) {
    this.#parts = parts;
    this.#cachedBlobs = cachedBlobs;
  }

  readTag(repository: StoredName, tag: string): CachedTag | undefined {
    const { records } = this.#parts;
    return answeringSync(() => {
      const id = records.repository(storedName(repository));
      return id === undefined ? undefined : records.cachedTag(id, tag);
    });
  }

  async keepManifest(
    repository: StoredName,
    manifest: RawManifest,
    { tags, checkedAt }: KeepManifestOptions,
  ): Promise<boolean> {
    if (!isKeepable(manifest)) return false;
    const context = {
      name: storedName(repository),
      user: undefined,
      cached: true,
      at: Math.floor(checkedAt),
    };
    await this.#parts.work.run(() => putManifest(this.#parts, { manifest, tags }, context));
    return true;
  }

  touchTag(repository: StoredName, tag: string, checkedAt: number): void {
    const { records, database } = this.#parts;
    answeringSync(() => {
      const id = records.repository(storedName(repository));
      const sql =
        "update tags set checked_at = max(checked_at, ?) where repository = ? and tag = ?";
      if (id !== undefined) database.run(sql, Math.floor(checkedAt), id, tag);
    });
  }

  removeTag(repository: StoredName, tag: string): boolean {
    const { records, database, changes, memory, indexes, now } = this.#parts;
    const name = storedName(repository);
    return answeringSync(() => {
      const id = records.repository(name);
      if (id === undefined) return false;
      const removed = database.transaction(() => {
        changes.changed(id);
        return changes.removeTag({ repository: id, tag, at: now(), user: undefined });
      });
      memory.forget(name);
      indexes.schedule();
      return removed;
    });
  }

  async beginFill(repository: StoredName, digest: Digest, size?: number): Promise<Fill | "held"> {
    return await this.#parts.work.run(async () => {
      const key = this.#keyOf(repository, digest);
      if (await this.#parts.blobs.stat(key.repository.name, digest)) return "held";
      const announced = this.#cachedBlobs.announce(key);
      announced.catch(() => {}); // told when it is finished
      const take = async (file: GrowingFile) => {
        await announced;
        await this.#cachedBlobs.take(key, file);
      };
      return await openFill(this.#parts, { ...key, expectedSize: size }, (file) =>
        this.#parts.work.run(() => take(file)),
      );
    });
  }

  async adoptBlob(repository: StoredName, digest: Digest): Promise<boolean> {
    return await this.#parts.work.run(async () => {
      const { blobs, openBlobs } = this.#parts;
      const key = this.#keyOf(repository, digest);
      const { name } = key.repository;
      if (await blobs.stat(name, digest)) return true;
      const sources = this.#cachedBlobs.holders(repository.domain, digest);
      if (sources.length === 0) return false;
      await this.#cachedBlobs.announce(key);
      await blobs.makeLayout(name, { durable: false });
      if (!(await this.#adoptFrom(sources, key))) return false;
      await blobs.sync(name, digest);
      await openBlobs.forget(name, digest);
      this.#cachedBlobs.adopted(key, (await blobs.stat(name, digest))?.size ?? 0);
      return true;
    });
  }

  async #adoptFrom(sources: readonly string[], { repository, digest }: BlobKey): Promise<boolean> {
    const { blobs } = this.#parts;
    for (const source of sources)
      if (await blobs.adopt(source, repository.name, digest)) return true;
    return false;
  }

  async release(repository: StoredName, digest: Digest): Promise<boolean> {
    return await this.#parts.work.run(async () => {
      const { records, blobs, changes, memory } = this.#parts;
      const name = storedName(repository);
      const id = records.repository(name);
      const held = id === undefined ? undefined : await blobs.stat(name, digest);
      if (id === undefined || held === undefined) return false;
      const manifest = records.byDigest(id, digest);
      if (manifest) changes.release(manifest.id);
      if (!manifest || manifest.asBlob) {
        this.#cachedBlobs.release({ repository: { id, name }, digest }, held.size);
      }
      memory.forget(name);
      return true;
    });
  }

  namedSize(repository: StoredName, digest: Digest): number | undefined {
    const { records } = this.#parts;
    return answeringSync(() => {
      const id = records.repository(storedName(repository));
      return id === undefined ? undefined : records.namedSize(id, digest);
    });
  }

  async evict(limits: EvictLimits): Promise<GarbageReport> {
    return await this.#parts.work.run(() => evict(this.#parts, limits));
  }

  #keyOf(repository: StoredName, digest: Digest): BlobKey {
    const name = storedName(repository);
    this.#parts.paths.layout(name); // a bad name leaves nothing behind
    return { repository: { name, id: this.#parts.records.makeRepository(name) }, digest };
  }
}
