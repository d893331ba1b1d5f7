import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Backend } from "../v2/backend.ts";

/** A repository by its name: `domain` and `path`. */
export type StoredName = Pick<ServedRepository, "domain" | "path">;

/**
 * A registry in a folder, of everything that this server keeps, and what it keeps of upstreams. Any number of processes may
 * have the same folder open. `docs/decisions/0060`.
 *
 * As a {@link Backend} it serves whatever repository it is handed, by `domain/path`: `upstream` makes no difference. What
 * comes by way of {@link Backend} is there to stay; only what comes by way of {@link cache} is ever evicted.
 */
export interface RegistryStore extends Backend, AsyncDisposable {
  readonly cache: StoreCache;
  /** Where a tag stood, the newest first; empty where it never was. At most the last 100. */
  tagHistory(repository: StoredName, tag: string): readonly TagMove[];
  /** The manifests held of a repository that name a blob or an instance; at most 64. */
  naming(repository: StoredName, digest: Digest): readonly Digest[];
  /** Some repository that holds this blob or manifest. Looks through all of them. */
  holderOf(digest: Digest): StoredName | undefined;
  /** Removes what nobody needs, as the settings say. Safe at any time; also runs by itself. */
  collectGarbage(): Promise<GarbageReport>;
  /** For metrics and readiness. @throws {RegistryAnswerError} 503 where the folder cannot be written any more */
  health(): Promise<StoreHealth>;
  /** Brings every index.json up to date now, instead of soon. */
  flush(): Promise<void>;
  /** Waits for what is being written; uploads in the middle stay for a later process. */
  close(): Promise<void>;
}

/** When a tag came to stand for something; undefined for the removal of it. */
export interface TagMove {
  readonly digest: Digest | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly user: string | undefined;
}

/** What went. */
export interface GarbageReport {
  readonly uploads: number;
  readonly manifests: number;
  /** Names of blobs in repositories. */
  readonly blobs: number;
  /** Bytes of the disk that are free again. */
  readonly bytes: number;
}

/** How the store is. */
export interface StoreHealth {
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  readonly openUploads: number;
  /** Repositories whose index.json is behind. */
  readonly staleIndexes: number;
  /** Of what can be evicted: see {@link StoreCache.evict}. */
  readonly cachedBytes: number;
}

/** A tag of an upstream's as it was when somebody last looked. */
export interface CachedTag {
  readonly digest: Digest;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
}

/** What is kept of a manifest that came from an upstream. */
export interface KeepManifestOptions {
  /** The tags that stand for it there, as far as one knows; empty where it was asked for by digest. */
  readonly tags: readonly string[];
  /** When that was seen, in milliseconds since 1970. */
  readonly checkedAt: number;
}

/** How much a cache may hold. */
export interface EvictLimits {
  /** Nothing goes until there is more than this. */
  readonly maxBytes: number;
  /** Then the longest unused goes until there is no more than this. */
  readonly lowBytes: number;
  /** What was used more recently stays in any case, with what hangs on it. */
  readonly minAgeMs: number;
}

/**
 * What is kept of upstreams. What is read by way of {@link Backend} counts as used. Failures of the disk are
 * `RegistryAnswerError`s of 507 or 503: whoever fills may go on without us.
 */
export interface StoreCache {
  readTag(repository: StoredName, tag: string): CachedTag | undefined;
  /**
   * Keeps a verified manifest; what it names need not be there. Its tags move to it. It survives the process, not power
   * loss. Docker's schema 1 is not kept: false.
   */
  keepManifest(
    repository: StoredName,
    manifest: RawManifest,
    options: KeepManifestOptions,
  ): Promise<boolean>;
  /** The tag was looked at, and stands for what it stood for. */
  touchTag(repository: StoredName, tag: string, checkedAt: number): void;
  /** False where there was none. The manifest stays. */
  removeTag(repository: StoredName, tag: string): boolean;
  /**
   * Begins to keep a blob; "held": it is in this repository already. Continues what {@link Fill.keep} has kept, which shows
   * in its size. Nobody is kept from filling the same twice at a time: whoever wants one download sees to it.
   */
  beginFill(repository: StoredName, digest: Digest, size?: number): Promise<Fill | "held">;
  /**
   * Takes the blob over from another repository of the same domain that has it of its upstream; false where none has. To be
   * asked only when the upstream has said that this repository has it too: which is no more than its word, so that it gets
   * at nothing that it did not give.
   */
  adoptBlob(repository: StoredName, digest: Digest): Promise<boolean>;
  /**
   * The upstream has this blob or manifest, which was pushed here, as well: from now on it may be evicted like what came from
   * there. False where it is not here.
   */
  release(repository: StoredName, digest: Digest): Promise<boolean>;
  /** The size of a blob, or of an instance, that some manifest of this repository names, whether it is here or not. */
  namedSize(repository: StoredName, digest: Digest): number | undefined;
  /** Gives what went. What somebody reads is read to its end. */
  evict(limits: EvictLimits): Promise<GarbageReport>;
}

/**
 * A blob that is coming in: a growing file. One writer, any number of readers of `descriptor`. Disposing of it closes the
 * descriptor, and discards what is neither finished nor kept: not before the last reader is done.
 */
export interface Fill extends AsyncDisposable {
  readonly digest: Digest;
  /** The size that was told, if one was. */
  readonly expectedSize: number | undefined;
  /** Open for reading at offsets below {@link size}; stays so after the end of any kind. */
  readonly descriptor: number;
  /** Bytes held: where the next ones go, and where an upstream is to continue. */
  readonly size: number;
  /**
   * `chunk` may be used again when it returns.
   *
   * @throws {RegistryAnswerError} 502 past the expected size; 507, 503 where the disk fails, and then this fill has failed
   */
  append(chunk: Uint8Array): Promise<void>;
  /**
   * Verifies it; then it is a blob of the repository.
   *
   * @param onVerified called when the bytes are known to be right, before the disk has them for good
   * @throws {ContentError} `content.digest-mismatch`, `content.size-mismatch`; what was held is gone then
   */
  finish(onVerified?: () => void): Promise<void>;
  /** Leaves what is there to the next {@link StoreCache.beginFill} of the same. */
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** How a store is opened. All times are milliseconds. */
export interface RegistryStoreOptions {
  /** The domain whose repositories `listRepositories` lists: the server's own name. */
  readonly domain: string;
  /** As `Date.now()`: it is compared with the times of files. */
  readonly now: () => number;
  readonly settings?: StoreSettings;
  /** Hears of what goes on behind the requests. */
  readonly report?: (event: StoreEvent) => void;
}

/** What can be set: `settings.ts` reads it from the configuration. */
export interface StoreSettings {
  /** Whether what a pushed manifest names must be there. By default "strict". */
  readonly references?: "strict" | "sparse";
  /** By default true: DELETE of a blob that some manifest of the repository names is done. Otherwise 405 DENIED. */
  readonly deleteReferencedBlobs?: boolean;
  /** By default no limit; 413 past it. */
  readonly maxBlobBytes?: number;
  /** An upload untouched for so long is gone. By default 24 hours. */
  readonly uploadExpiryMs?: number;
  /** By default 1,000; 429 past it. */
  readonly maxUploadsPerUser?: number;
  /** Manifests with neither tag nor index nor subject that holds them go after so long. By default they stay. */
  readonly untaggedAfterMs?: number;
  /** Blobs that no manifest names go after so long. By default 24 hours. */
  readonly unreferencedAfterMs?: number;
  /** How often garbage is collected. By default every hour; 0: only on demand. */
  readonly collectEveryMs?: number;
  /** Of memory for manifests. By default 32 MiB. */
  readonly manifestMemoryBytes?: number;
}

/** Something that happened behind the requests. */
export type StoreEvent =
  | { readonly type: "garbage-collected"; readonly report: GarbageReport }
  | { readonly type: "evicted"; readonly report: GarbageReport }
  /** index.json of a repository was brought up to date. */
  | { readonly type: "index-written"; readonly repository: string; readonly entries: number }
  /** There was no database, and the layout of a repository was read into a new one. */
  | { readonly type: "layout-read"; readonly repository: string; readonly manifests: number }
  /** Something that will be tried again. */
  | { readonly type: "background-failed"; readonly what: string; readonly error: unknown };
