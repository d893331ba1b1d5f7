import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { Clock } from "../../registry/clock.ts";
import { untilAborted } from "../../registry/until-aborted.ts";
import type { ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { listedContent } from "./listed-content.ts";
import type { ManifestPushes } from "./manifest-pushes.ts";
import { PushOwner, type PushOwnersPlace } from "./push-owner.ts";
import type { PushQueue, QueuedPush } from "./push-queue.ts";
import type { UpstreamStore } from "./store.ts";
import type { Uploads } from "./uploads.ts";
import type { Upstream } from "./upstream-client.ts";

/** A push may take so long; then another process may take it up, and at once where its own is gone. */
const pushMs = 30 * 60_000;
/** How often it is looked whether whoever else has claimed some is still there. */
const lookMs = 2000;
const firstWaitMs = 1000;
const longestWaitMs = 5 * 60_000;
/** What an upstream refuses it seldom takes later: only where somebody has changed something. */
const firstRefusedWaitMs = 60_000;
const longestRefusedWaitMs = 60 * 60_000;

const nobody = { user: undefined, address: "" };

/** What is passed on, and by what. */
export interface ReplicationOptions {
  readonly queue: PushQueue;
  readonly store: UpstreamStore;
  readonly clock: Clock;
  readonly report: Report;
  readonly pushes: ManifestPushes;
  readonly uploads: Uploads;
  readonly owners: PushOwnersPlace;
  readonly refusalOf: RefusalOf;
  upstreamOf(name: string): Upstream | undefined;
}

/** Why a manifest must not be sent anywhere, whoever pushed it: it is blocked. */
export type RefusalOf = (
  repository: ServedRepository,
  manifest: RawManifest,
  call: ServerCall,
) => Promise<string | undefined>;

/** A blob on its way, or a manifest, which has none. */
interface UnderWay extends Pick<QueuedPush, "domain" | "path"> {
  readonly blob: Digest | undefined;
  readonly done: Promise<void>;
}

/** What is sent on. */
interface Sent {
  readonly repository: ServedRepository;
  readonly manifest: RawManifest;
  readonly call: ServerCall;
}

/**
 * Passes on what was pushed here with write-back, in order, one at a time: all blobs, then the manifest. What fails is tried
 * again for as long as it takes; what the upstream refuses as well, but nothing waits for that.
 */
export class Replication implements AsyncDisposable {
  readonly #options: ReplicationOptions;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #underWay: UnderWay | undefined;
  readonly #running: Promise<void>;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** There is something new to do. */
  wake(): void {
    this.#wake.abort();
  }

  /**
   * Resolves when what is on its way to this repository now has come there, or failed to: a manifest; or the blob of
   * `digest`.
   */
  async settled(
    { domain, path }: Pick<QueuedPush, "domain" | "path">,
    digest?: Digest,
  ): Promise<void> {
    const now = this.#underWay;
    if (now?.domain !== domain || now.path !== path || now.blob !== digest) return;
    await now.done.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("the server ends", "AbortError"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { queue, report } = this.#options;
    queue.retryRefused();
    await this.#restore().catch((error: unknown) => {
      report({ type: "message", level: "error", text: "pushes are not all held any more", error });
    });
    let owner: PushOwner | undefined;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      try {
        owner ??= await PushOwner.begin(this.#options.owners);
        await this.#next(owner);
      } catch (error) {
        report({ type: "message", level: "error", text: "pushes are not passed on", error });
        await this.#sleep(firstWaitMs);
      }
    }
    await owner?.[Symbol.asyncDispose]();
  }

  /** Does what is to be done next, or waits until there is something. */
  async #next(owner: PushOwner): Promise<void> {
    const { queue } = this.#options;
    const push = queue.claim(pushMs, owner.id);
    if (push) return await this.#pass(push);
    const others = queue.owners();
    for (const other of others) {
      if (!(await owner.isGone(other))) continue;
      queue.release(other);
      return;
    }
    const next = queue.nextInMs();
    await this.#sleep(others.length > 0 ? Math.min(next ?? lookMs, lookMs) : next);
  }

  /** What waits here was acknowledged: it is held whatever became of the store. */
  async #restore(): Promise<void> {
    const { queue, store } = this.#options;
    const call = { caller: nobody, signal: this.#stop.signal };
    for (const { domain, path, manifest, tags } of queue.all()) {
      const repository = { domain, path, requested: path, upstream: domain };
      const reference = { type: "digest", digest: manifest.digest } as const;
      if (await store.readManifest(repository, reference, call)) continue;
      await store.cache.keepManifest(repository, manifest, {
        tags,
        checkedAt: this.#options.clock.now(),
      });
    }
  }

  async #sleep(ms = longestWaitMs): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
    await this.#options.clock.sleep(Math.min(ms, longestWaitMs), signal).catch(() => {});
  }

  async #pass(queued: QueuedPush): Promise<void> {
    const { queue, report } = this.#options;
    try {
      await this.#send(queued);
      queue.done(queued);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const name = `${queued.domain}/${queued.path}@${queued.manifest.digest}`;
      if (this.#stop.signal.aborted) return queue.failed(queued, text, 0);
      if (isRefusal(error)) {
        queue.refused(queued, text, waitMs(queued, firstRefusedWaitMs, longestRefusedWaitMs));
        const by = error instanceof BlockedPush ? "" : " by its upstream";
        const what = `${name} is refused${by}, and kept here`;
        return report({ type: "message", level: "error", text: `${what}: ${text}` });
      }
      queue.failed(queued, text, waitMs(queued, firstWaitMs, longestWaitMs));
      const what = `${name} is not at its upstream yet`;
      report({ type: "message", level: "warn", text: `${what}: ${text}` });
    }
  }

  async #send(queued: QueuedPush): Promise<void> {
    const { upstreamOf, uploads, pushes, queue } = this.#options;
    const { domain, path, manifest } = queued;
    const upstream = upstreamOf(domain);
    if (!upstream) throw new Error(`${domain} is no upstream any more`);
    const repository: ServedRepository = { domain, path, requested: path, upstream: domain };
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(pushMs)]);
    const call = { caller: nobody, signal };
    const sent = { repository, manifest, call };
    for (const { digest, kind } of listedContent(manifest)) {
      await this.#refuseBlocked(sent);
      // It may have been deleted meanwhile, or some of its tags: what is sent after that would stay.
      if (!queue.current(queued)) return;
      if (kind !== "blob") continue;
      await this.#track(queued, digest, uploads.sendHeld({ upstream, repository, call }, digest));
    }
    await this.#refuseBlocked(sent);
    const current = queue.current(queued);
    if (!current) return;
    const { tags } = current;
    const put = pushes.send({ upstream, repository, call, manifest, tags });
    await this.#track(queued, undefined, put);
  }

  async #refuseBlocked({ repository, manifest, call }: Sent): Promise<void> {
    const asked = this.#options.refusalOf(repository, manifest, call);
    const reason = await untilAborted(asked, call.signal);
    if (reason === undefined) return;
    throw new BlockedPush("DENIED", `blocked: ${reason}`, { status: 403 });
  }

  async #track(
    { domain, path }: QueuedPush,
    blob: Digest | undefined,
    done: Promise<void>,
  ): Promise<void> {
    this.#underWay = { domain, path, blob, done };
    try {
      await done;
    } finally {
      this.#underWay = undefined;
    }
  }
}

class BlockedPush extends RegistryAnswerError {}

function waitMs({ attempts }: QueuedPush, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(attempts, 20));
}

/** Whether the upstream has said no, as opposed to being out of reach or busy. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof RegistryAnswerError)) return false;
  const { status } = error;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
