import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { Repository } from "../../registry/repository.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import type { TryLock } from "../store/file-lock.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type {
  Backend,
  ByteRange,
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
import { BlobCache } from "./blobs.ts";
import { Deletions } from "./deletions.ts";
import { Eviction } from "./eviction.ts";
import { ManifestPushes } from "./manifest-pushes.ts";
import { ManifestCache } from "./manifests.ts";
import { Prefetch } from "./prefetch.ts";
import { PushQueue, type PushState } from "./push-queue.ts";
import { ReferrerLists } from "./referrer-lists.ts";
import { type RefusalOf, Replication } from "./replication.ts";
import type { CacheSettings, UpstreamSettings } from "./settings.ts";
import type { UpstreamStore } from "./store.ts";
import { TagLists } from "./tag-lists.ts";
import { timerClock } from "./timer-clock.ts";
import { refusePush, Uploads } from "./uploads.ts";
import { type OpenUpstream, Upstream } from "./upstream-client.ts";

/** What the upstreams of a server are made of. */
export interface UpstreamsOptions {
  readonly settings: readonly UpstreamSettings[];
  readonly cache: CacheSettings;
  readonly store: UpstreamStore;
  readonly open: OpenUpstream;
  /** Where pushes wait that are passed on later. */
  readonly queueFile: string;
  /** Asked before anything is passed on later. */
  readonly refusalOf: RefusalOf;
  /** Tells which other processes pass pushes on. */
  readonly tryLock: TryLock;
  readonly now: () => number;
  readonly report: Report;
}

/**
 * The repositories of other registries, as a {@link Backend}: fetched when they are asked for and kept, pushed to as the
 * settings say. It has what the store has besides; `upstream` of a repository says whose it is. Clients' credentials are
 * never passed on: rights are this server's to judge.
 */
export class Upstreams implements Backend, AsyncDisposable {
  readonly #upstreams: ReadonlyMap<string, Upstream>;
  readonly #store: UpstreamStore;
  readonly #manifests: ManifestCache;
  readonly #blobs: BlobCache;
  readonly #tags: TagLists;
  readonly #referrers: ReferrerLists;
  readonly #uploads: Uploads;
  readonly #pushes: ManifestPushes;
  readonly #deletions: Deletions;
  readonly #prefetch: Prefetch;
  readonly #eviction: Eviction;
  readonly #queue: PushQueue | undefined;
  readonly #replication: Replication | undefined;

  constructor(options: UpstreamsOptions) {
    const { settings, store, now, report } = options;
    this.#upstreams = new Map(
      settings.map((one) => [one.name, new Upstream(one, options.open(one), { now, report })]),
    );
    this.#store = store;
    this.#eviction = new Eviction(options.cache, { store, now, report });
    const isWaiting = (repository: ServedRepository, tag: string) =>
      this.#queue?.holds(repository, tag) ?? false;
    this.#manifests = new ManifestCache({
      store,
      now,
      report,
      isWaiting,
      onFetched: (upstream, repository, manifest) =>
        this.#prefetch.after({ upstream, repository, manifest }),
    });
    this.#blobs = new BlobCache({ store, now, report, onKept: () => this.#eviction.consider() });
    this.#tags = new TagLists(store, now, isWaiting);
    this.#referrers = new ReferrerLists(store, now);
    const parts = {
      store,
      manifests: this.#manifests,
      blobs: this.#blobs,
      tags: this.#tags,
      referrers: this.#referrers,
      now,
    };
    this.#prefetch = new Prefetch(parts);
    this.#uploads = new Uploads(parts);
    this.#pushes = new ManifestPushes(parts, this.#uploads, (push) => {
      this.#queue?.add({ ...push.repository, manifest: push.manifest, tags: push.tags });
      this.#replication?.wake();
    });
    this.#deletions = new Deletions(parts, async (repository, what) => {
      const digest = typeof what === "string" ? what : undefined;
      if (typeof what !== "string") this.#queue?.withdraw(repository, what);
      await this.#replication?.settled(repository, digest);
    });
    if (!settings.some(({ push }) => push === "write-back")) return;
    this.#queue = new PushQueue(options.queueFile, now);
    this.#replication = new Replication({
      queue: this.#queue,
      store,
      clock: timerClock(now),
      report,
      pushes: this.#pushes,
      uploads: this.#uploads,
      owners: { folder: `${options.queueFile}.owners`, tryLock: options.tryLock },
      refusalOf: options.refusalOf,
      upstreamOf: (name) => this.#upstreams.get(name),
    });
  }

  /** Speaks to a repository's upstream, for what is read of it besides: signatures. */
  clientOf(repository: ServedRepository): Repository {
    return this.#of(repository).repository(repository.path, "read", {});
  }

  /** Pushes that were acknowledged and are not yet at their upstream, in the order in which they will be. */
  waitingPushes(): readonly PushState[] {
    return this.#queue?.states() ?? [];
  }

  /** Resolves when nothing is being fetched ahead. */
  get prefetched(): Promise<void> {
    return this.#prefetch.settled;
  }

  readManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    call: ServerCall,
  ): Promise<HeldManifest | undefined> {
    return this.#manifests.read(this.#of(repository), repository, reference, call);
  }

  statBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<{ readonly size: number } | undefined> {
    return this.#blobs.stat({ upstream: this.#of(repository), repository, digest, call });
  }

  openBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall & { readonly range?: ByteRange },
  ): Promise<OpenBlob | undefined> {
    return this.#blobs.open({ upstream: this.#of(repository), repository, digest, call });
  }

  listTags(
    repository: ServedRepository,
    page: Page,
    call: ServerCall,
  ): Promise<NamesPage | undefined> {
    return this.#tags.page(this.#of(repository), repository, page, call);
  }

  listReferrers(
    repository: ServedRepository,
    subject: Digest,
    call: ServerCall,
  ): Promise<readonly Descriptor[]> {
    return this.#referrers.read(this.#of(repository), repository, subject, call);
  }

  /** None: what upstreams have is theirs to list. */
  listRepositories(): Promise<NamesPage> {
    return Promise.resolve({ names: [], more: false });
  }

  beginUpload(
    repository: ServedRepository,
    start: UploadStart,
    call: ServerCall,
  ): Promise<UploadBegun> {
    return this.#uploads.begin(this.#toPush(repository, call), start);
  }

  async readUpload(
    repository: ServedRepository,
    id: string,
    call: ServerCall,
  ): Promise<UploadState | undefined> {
    this.#toPush(repository, call);
    return await this.#store.readUpload(repository, id, call);
  }

  async appendUpload(
    repository: ServedRepository,
    id: string,
    piece: UploadPiece,
    call: ServerCall,
  ): Promise<UploadState> {
    return await this.#uploads.append(this.#toPush(repository, call), id, piece);
  }

  async finishUpload(
    repository: ServedRepository,
    id: string,
    end: UploadPiece & { readonly digest: Digest },
    call: ServerCall,
  ): Promise<void> {
    await this.#uploads.finish(this.#toPush(repository, call), id, end);
  }

  async cancelUpload(repository: ServedRepository, id: string, call: ServerCall): Promise<boolean> {
    return await this.#uploads.cancel(this.#toPush(repository, call), id);
  }

  async putManifest(
    repository: ServedRepository,
    put: ManifestPut,
    call: ServerCall,
  ): Promise<ManifestKept> {
    return await this.#pushes.put({ ...this.#toPush(repository, call), ...put });
  }

  async deleteManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    call: ServerCall,
  ): Promise<boolean> {
    return await this.#deletions.manifest(this.#toPush(repository, call), reference);
  }

  async deleteBlob(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<boolean> {
    return await this.#deletions.blob(this.#toPush(repository, call), digest);
  }

  /** Ends what goes on: half a blob is kept to be continued, pushes that wait do so until the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replication?.[Symbol.asyncDispose]();
    await this.#prefetch[Symbol.asyncDispose]();
    await this.#blobs[Symbol.asyncDispose]();
    await this.#uploads[Symbol.asyncDispose]();
    await this.#eviction.settled;
    for (const upstream of this.#upstreams.values()) await upstream[Symbol.asyncDispose]();
    this.#queue?.[Symbol.dispose]();
  }

  #of({ upstream }: ServedRepository): Upstream {
    const found = upstream === undefined ? undefined : this.#upstreams.get(upstream);
    if (found) return found;
    throw new RegistryAnswerError("NAME_UNKNOWN", "there is no such upstream", { status: 404 });
  }

  /** @throws {RegistryAnswerError} 405 where the upstream takes no pushes here */
  #toPush(repository: ServedRepository, call: ServerCall) {
    const upstream = this.#of(repository);
    refusePush(upstream);
    return { upstream, repository, call };
  }
}

/** See {@link Upstreams}. Dispose of it before its store. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  return new Upstreams(options);
}
