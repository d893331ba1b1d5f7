import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type {
  HeldManifest,
  ManifestKept,
  ManifestPut,
  ManifestReference,
  NamesPage,
  OpenBlob,
  Page,
  UploadBegun,
  UploadPiece,
  UploadStart,
  UploadState,
} from "../v2/backend.ts";
import type { CachedBlobs } from "./cached-blobs.ts";
import { putManifest } from "./put-manifest.ts";
import { readHeldManifest } from "./read-manifest.ts";
import type {
  GarbageReport,
  RegistryStore,
  StoreCache,
  StoredName,
  StoreHealth,
  TagMove,
} from "./registry-store.ts";
import { removeBlob, removeManifest, removeTag } from "./removals.ts";
import { FolderCache } from "./store-cache.ts";
import type { RepositoryKey, StoreParts } from "./store-parts.ts";
import { storedName } from "./store-paths.ts";
import type { StoreUpkeep } from "./store-upkeep.ts";
import type { Uploads } from "./uploads.ts";

/** What it is made of. */
export interface FolderStoreParts {
  readonly parts: StoreParts;
  readonly cachedBlobs: CachedBlobs;
  readonly uploads: Uploads;
  readonly upkeep: StoreUpkeep;
}

/** Repositories that are looked through for a blob which no manifest names. */
const maxLookedThrough = 500;

/** A registry in a folder. */
export class FolderStore implements RegistryStore {
  readonly cache: StoreCache;
  readonly #parts: StoreParts;
  readonly #uploads: Uploads;
  readonly #cachedBlobs: CachedBlobs;
  readonly #upkeep: StoreUpkeep;

  constructor({ parts, cachedBlobs, uploads, upkeep }: FolderStoreParts) {
    this.#parts = parts;
    this.#cachedBlobs = cachedBlobs;
    this.#uploads = uploads;
    this.#upkeep = upkeep;
    this.cache = new FolderCache(parts, cachedBlobs);
  }

  /** Another process may have changed anything. */
  #freshen(): void {
    const { database, memory, openBlobs } = this.#parts;
    if (!database.changedElsewhere()) return;
    memory.forgetAll();
    void openBlobs.forgetAll();
  }

  #find(repository: StoredName): RepositoryKey | undefined {
    const name = storedName(repository);
    const id = this.#parts.records.repository(name);
    return id === undefined ? undefined : { id, name };
  }

  readManifest(
    repository: ServedRepository,
    reference: ManifestReference,
  ): Promise<HeldManifest | undefined> {
    return this.#parts.work.run(() => {
      this.#freshen();
      return readHeldManifest(this.#parts, storedName(repository), reference);
    });
  }

  statBlob(repository: ServedRepository, digest: Digest): Promise<{ size: number } | undefined> {
    return this.#parts.work.run(async () => {
      const { blobs, settings, now } = this.#parts;
      if (this.#isManifestAlone(repository, digest)) return undefined;
      const name = storedName(repository);
      const found = await blobs.stat(name, digest);
      if (found === undefined) return undefined;
      // Whoever is told that it is here may push a manifest that names it.
      const old = found.changedAt < now() - settings.unreferencedAfterMs / 4;
      if (old) await blobs.touch(name, digest, now());
      this.#noteUse(repository, digest);
      return { size: found.size };
    });
  }

  openBlob(repository: ServedRepository, digest: Digest): Promise<OpenBlob | undefined> {
    return this.#parts.work.run(() => {
      this.#freshen();
      const { openBlobs } = this.#parts;
      const name = storedName(repository);
      const open = openBlobs.find(name, digest);
      if (open === undefined && this.#isManifestAlone(repository, digest)) return undefined;
      this.#noteUse(repository, digest);
      return open ?? openBlobs.open(name, digest);
    });
  }

  #noteUse(repository: ServedRepository, digest: Digest): void {
    const { uses, now } = this.#parts;
    if (repository.upstream !== undefined) uses.blob(storedName(repository), digest, now());
  }

  /** A manifest's file is in the layout as any blob's, but nobody pushed it as one: policies speak of manifests. */
  #isManifestAlone(repository: StoredName, digest: Digest): boolean {
    const key = this.#find(repository);
    const manifest = key && this.#parts.records.byDigest(key.id, digest);
    return manifest !== undefined && !manifest.asBlob;
  }

  listTags(repository: ServedRepository, page: Page): Promise<NamesPage | undefined> {
    return this.#parts.work.run(() => {
      const key = this.#find(repository);
      return key && this.#parts.records.tags(key.id, page);
    });
  }

  listReferrers(repository: ServedRepository, subject: Digest): Promise<readonly Descriptor[]> {
    return this.#parts.work.run(() => {
      const key = this.#find(repository);
      return key ? this.#parts.records.referrers(key.id, subject) : [];
    });
  }

  listRepositories(page: Page): Promise<NamesPage> {
    return this.#parts.work.run(() => this.#parts.records.paths(this.#parts.domain, page));
  }

  beginUpload(
    repository: ServedRepository,
    start: UploadStart,
    { caller }: ServerCall,
  ): Promise<UploadBegun> {
    return this.#parts.work.run(async () => {
      const name = storedName(repository);
      this.#parts.paths.layout(name); // a bad name leaves nothing behind
      if (start.type === "mount" && (await this.#mount(name, start))) return { type: "mounted" };
      const algorithm = start.type === "new" ? start.algorithm : undefined;
      const owner = { repository: name, user: caller.user };
      return { type: "open", upload: await this.#uploads.begin(owner, algorithm) };
    });
  }

  async #mount(name: string, start: UploadStart & { type: "mount" }): Promise<boolean> {
    const { blobs } = this.#parts;
    const { digest } = start;
    for await (const source of this.#mountable(start)) {
      if (this.#isManifestAlone(source, digest)) continue;
      if (!(await blobs.stat(storedName(source), digest))) continue;
      await blobs.makeLayout(name, { durable: true });
      if (!(await blobs.adopt(storedName(source), name, digest))) continue;
      await blobs.sync(name, digest);
      await this.#arrived(name, digest);
      return true;
    }
    return false;
  }

  /** Those whose manifests name it first; then others, since what was just pushed is named by none yet. */
  async *#mountable(start: UploadStart & { type: "mount" }): AsyncGenerator<StoredName, void> {
    if (start.from !== undefined) return yield start.from;
    const { records, blobs } = this.#parts;
    const naming = records.repositoriesNaming(start.digest);
    for (const source of naming.map(asStoredName)) if (await start.mayRead(source)) yield source;
    if (!(await blobs.isShared(start.digest))) return;
    let looked = 0;
    for (const { name } of records.repositories()) {
      if (looked++ > maxLookedThrough) return;
      const source = asStoredName(name);
      if (!naming.includes(name) && (await start.mayRead(source))) yield source;
    }
  }

  /** A blob is there to stay. */
  async #arrived(name: string, digest: Digest): Promise<void> {
    const { records, changes, openBlobs, memory, database } = this.#parts;
    await openBlobs.forget(name, digest);
    const repository = records.makeRepository(name);
    await this.#cachedBlobs.pin(repository, digest);
    const manifest = records.byDigest(repository, digest);
    if (manifest === undefined || manifest.asBlob) return;
    changes.setAsBlob(manifest.id, true);
    memory.forget(name);
    await database.durable();
  }

  readUpload(
    repository: ServedRepository,
    id: string,
    { caller }: ServerCall,
  ): Promise<UploadState | undefined> {
    return this.#parts.work.run(() => this.#uploads.state(ownerOf(repository, caller), id));
  }

  appendUpload(
    repository: ServedRepository,
    id: string,
    piece: UploadPiece,
    { caller, signal }: ServerCall,
  ): Promise<UploadState> {
    return this.#parts.work.run(() =>
      this.#uploads.append(ownerOf(repository, caller), id, piece, signal),
    );
  }

  finishUpload(
    repository: ServedRepository,
    id: string,
    end: UploadPiece & { readonly digest: Digest },
    { caller, signal }: ServerCall,
  ): Promise<void> {
    return this.#parts.work.run(async () => {
      const owner = ownerOf(repository, caller);
      await this.#uploads.finish(owner, id, end, signal);
      await this.#arrived(owner.repository, end.digest);
    });
  }

  cancelUpload(repository: ServedRepository, id: string, { caller }: ServerCall): Promise<boolean> {
    return this.#parts.work.run(() => this.#uploads.cancel(ownerOf(repository, caller), id));
  }

  putManifest(
    repository: ServedRepository,
    put: ManifestPut,
    { caller }: ServerCall,
  ): Promise<ManifestKept> {
    return this.#parts.work.run(async () => {
      const { now, database } = this.#parts;
      const context = {
        ...{ name: storedName(repository), user: caller.user },
        ...{ cached: false, at: now() },
      };
      const kept = await putManifest(this.#parts, put, context);
      await database.durable();
      return kept;
    });
  }

  deleteManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    { caller }: ServerCall,
  ): Promise<boolean> {
    return this.#parts.work.run(async () => {
      const key = this.#find(repository);
      if (key === undefined) return false;
      const removed =
        reference.type === "tag"
          ? await removeTag(this.#parts, key, reference.tag, caller.user)
          : await removeManifest(this.#parts, key, reference.digest, () => true, caller.user);
      await this.#parts.database.durable();
      return removed;
    });
  }

  deleteBlob(repository: ServedRepository, digest: Digest): Promise<boolean> {
    return this.#parts.work.run(async () => {
      const key = this.#find(repository);
      return key !== undefined && (await removeBlob(this.#parts, key, digest));
    });
  }

  tagHistory(repository: StoredName, tag: string): readonly TagMove[] {
    const key = this.#find(repository);
    return key ? this.#parts.records.tagMoves(key.id, tag) : [];
  }

  naming(repository: StoredName, digest: Digest): readonly Digest[] {
    const key = this.#find(repository);
    return key ? this.#parts.records.naming(key.id, digest) : [];
  }

  holderOf(digest: Digest): StoredName | undefined {
    const { records, blobs } = this.#parts;
    for (const { name } of records.repositories())
      if (blobs.statSync(name, digest)) return asStoredName(name);
    return undefined;
  }

  collectGarbage(): Promise<GarbageReport> {
    return this.#upkeep.collectGarbage();
  }

  health(): Promise<StoreHealth> {
    return this.#upkeep.health();
  }

  flush(): Promise<void> {
    return this.#parts.work.run(() => this.#parts.indexes.flush());
  }

  close(): Promise<void> {
    return this.#upkeep.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function ownerOf(repository: StoredName, { user }: ServerCall["caller"]) {
  return { repository: storedName(repository), user };
}

function asStoredName(name: string): StoredName {
  const slash = name.indexOf("/");
  return { domain: name.slice(0, slash), path: name.slice(slash + 1) };
}
