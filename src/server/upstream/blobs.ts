import type { Digest } from "../../core/digest.ts";
import { RegistryError } from "../../registry/errors.ts";
import { untilAborted } from "../../registry/until-aborted.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import type { ByteRange, OpenBlob } from "../v2/backend.ts";
import { BlobFill, type BlobFillOptions, type FillOutcome, isDiskFailure } from "./blob-fill.ts";
import { type DirectSource, FollowedBlob, farAhead, PassedBlob } from "./blob-reader.ts";
import { Flights } from "./flights.ts";
import { ShortMemory } from "./short-memory.ts";
import type { CacheFill, UpstreamStore } from "./store.ts";
import { isAbsence, isOutage, upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** A 404 is believed for so long. */
const absentForMs = 30_000;
const absencesKept = 10_000;

/** What blobs are read with. */
export interface BlobCacheOptions {
  readonly store: UpstreamStore;
  readonly now: () => number;
  readonly report: Report;
  /** Told when a blob was kept. */
  readonly onKept?: () => void;
}

/** One request for a blob. */
interface Ask {
  readonly upstream: Upstream;
  readonly repository: ServedRepository;
  readonly digest: Digest;
  readonly call: ServerCall & { readonly range?: ByteRange };
}

/** What a fill was begun with: "held": the blob is there; "ahead": it is far behind what is asked for; "unkept": no disk. */
type Begun = BlobFill | "held" | "ahead" | "unkept" | "absent";

/** Blobs of upstreams: fetched once, whoever asks meanwhile, and kept (`specs/registry.md` 5.5). */
export class BlobCache implements AsyncDisposable {
  readonly #options: BlobCacheOptions;
  readonly #store: UpstreamStore;
  readonly #fills = new Map<string, BlobFill>();
  readonly #begun = new Flights<Begun>();
  readonly #sizes = new Flights<number | undefined>();
  readonly #absent: ShortMemory<true>;

  constructor(options: BlobCacheOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#absent = new ShortMemory(absencesKept, options.now);
  }

  /** Without an upstream's word where the blob is held, or named by a manifest that is. */
  async stat(ask: Ask): Promise<{ readonly size: number } | undefined> {
    const held = await this.#store.statBlob(ask.repository, ask.digest, ask.call);
    if (held) return held;
    const key = keyOf(ask);
    if (ask.upstream.settings.offline || this.#absent.get(key)) return undefined;
    const named = this.#store.cache.namedSize(ask.repository, ask.digest);
    if (named !== undefined) return { size: named };
    if (ask.upstream.takesPushesAlone && ask.upstream.rests) return undefined;
    const size = await this.#sizes.join(key, ask.call.signal, () => this.#askSize(ask, key));
    return size === undefined ? undefined : { size };
  }

  async open(ask: Ask): Promise<OpenBlob | undefined> {
    const held = await this.#store.openBlob(ask.repository, ask.digest, ask.call);
    this.#options.report({ type: "cache", kind: "blob", result: held ? "hit" : "miss" });
    if (held) return held;
    if (ask.upstream.settings.offline) return undefined;
    return await this.#openMissing(ask, keyOf(ask));
  }

  /** Fetches a blob though nobody reads it; done when it is there. */
  async fetch(ask: Omit<Ask, "call"> & { readonly call: ServerCall }): Promise<void> {
    if (await this.#store.statBlob(ask.repository, ask.digest, ask.call)) return;
    const begun = await this.#fill(ask, keyOf(ask));
    if (!(begun instanceof BlobFill)) return;
    begun.want();
    await untilAborted(begun.ended, ask.call.signal);
  }

  /** Forgets that a blob was not there. */
  forgetAbsence(repository: ServedRepository, digest: Digest): void {
    this.#absent.delete(keyOf({ repository, digest, call: {} }));
  }

  /** A blob was deleted at its upstream, whatever manifests here say of it. */
  knowAbsent(repository: ServedRepository, digest: Digest): void {
    this.#absent.set(keyOf({ repository, digest, call: {} }), true, absentForMs);
  }

  /** Ends all fills; what they have is kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#fills.values()].map((fill) => fill.pause()));
  }

  async #openMissing(ask: Ask, key: string): Promise<OpenBlob | undefined> {
    for (;;) {
      const begun = await this.#fill(ask, key);
      if (begun === "absent") return undefined;
      const opened = await this.#openBegun(ask, begun);
      if (opened) return opened;
      ask.call.signal.throwIfAborted();
    }
  }

  /** Undefined: it has changed meanwhile, and is to be looked at again. */
  async #openBegun(ask: Ask, begun: Exclude<Begun, "absent">): Promise<OpenBlob | undefined> {
    if (begun === "held") return await this.#store.openBlob(ask.repository, ask.digest, ask.call);
    if (begun === "unkept") return await this.#pass(ask);
    if (begun === "ahead") return isAhead(ask, 0) ? await this.#pass(ask) : undefined;
    const leave = begun.enter();
    if (leave) return new FollowedBlob(begun, this.#direct(ask), leave);
    await untilAborted(begun.ended, ask.call.signal);
    return undefined;
  }

  /** The fill that is under way, or a new one. Where it runs already it is there at once, so that it cannot end unseen. */
  async #fill(ask: Ask, key: string): Promise<Begun> {
    if (this.#absent.get(key)) return "absent";
    const running = this.#fills.get(key);
    if (running) return isAhead(ask, running.file.size) ? "ahead" : running;
    return await this.#begun.join(key, ask.call.signal, () => this.#begin(ask, key));
  }

  async #begin(ask: Ask, key: string): Promise<Begun> {
    const stop = new AbortController();
    const late = () => stop.abort(new DOMException("the upstream does not answer", "TimeoutError"));
    const timer = setTimeout(late, ask.upstream.patienceMs);
    try {
      const begun = await this.#beginFill(ask, stop);
      if (begun === "held" || begun === "ahead" || begun === "unkept") return begun;
      ask.upstream.answered();
      const onEnd = (outcome: FillOutcome) => this.#onEnd(ask, key, outcome);
      const fill = new BlobFill({ ...begun, stop, onEnd });
      this.#fills.set(key, fill);
      setImmediate(() => fill.pauseUnread()); // when those who wait for it have come
      return fill;
    } catch (error) {
      if (isAbsence(error)) {
        this.#absent.set(key, true, absentForMs);
        return "absent";
      }
      ask.upstream.failed(error);
      throw upstreamAnswer(error, ask.upstream.name);
    } finally {
      clearTimeout(timer);
    }
  }

  async #beginFill(
    ask: Ask,
    stop: AbortController,
  ): Promise<"held" | "ahead" | "unkept" | Pick<BlobFillOptions, "file" | "source">> {
    const size = await this.#expectedSize(ask, stop.signal);
    const file = await this.#beginFile(ask, size);
    if (typeof file === "string") return file;
    try {
      const source = isAhead(ask, file.size)
        ? undefined
        : await this.#direct(ask).open({ start: file.size }, stop.signal);
      if (source && !(await this.#adopt(ask, file))) return { file, source };
      await source?.[Symbol.asyncDispose]();
      await leave(file);
      return source ? "held" : "ahead";
    } catch (error) {
      await leave(file);
      throw error;
    }
  }

  /** Of what no manifest here names the upstream is asked before anything is written: it may not be there. */
  async #expectedSize(ask: Ask, signal: AbortSignal): Promise<number> {
    const named = this.#store.cache.namedSize(ask.repository, ask.digest);
    if (named !== undefined) return named;
    await using start = await this.#direct(ask).open({ start: 0 }, signal);
    return start.size;
  }

  async #beginFile(ask: Ask, size: number): Promise<CacheFill | "held" | "unkept"> {
    try {
      return await this.#store.cache.beginFill(ask.repository, ask.digest, size);
    } catch (error) {
      if (!isDiskFailure(error)) throw error;
      this.#tellDiskFailure(ask, error);
      return "unkept";
    }
  }

  /** The upstream has just said that the repository has the blob: then it may be the copy of another of its repositories. */
  async #adopt(ask: Ask, file: CacheFill): Promise<boolean> {
    if (file.size > 0) return false;
    try {
      return await this.#store.cache.adoptBlob(ask.repository, ask.digest);
    } catch (error) {
      this.#tellDiskFailure(ask, error);
      return false;
    }
  }

  #onEnd(ask: Ask, key: string, outcome: FillOutcome): void {
    this.#fills.delete(key);
    if (outcome.type === "verified") this.#options.onKept?.();
    if (outcome.type === "failed") this.#onFailed(ask, outcome.error);
  }

  #onFailed(ask: Ask, error: unknown): void {
    if (isDiskFailure(error)) this.#tellDiskFailure(ask, error);
    else ask.upstream.failed(error);
  }

  #tellDiskFailure({ repository, digest }: Ask, error: unknown): void {
    const text = `${digest} of ${servedName(repository)} is not kept`;
    this.#options.report({ type: "message", level: "error", text, error });
  }

  async #pass(ask: Ask): Promise<OpenBlob | undefined> {
    const direct = this.#direct(ask);
    try {
      return await openPassed(direct, ask.call.range ?? { start: 0 }, ask.call.signal);
    } catch (error) {
      if (isAbsence(error)) this.#absent.set(keyOf(ask), true, absentForMs);
      if (isAbsence(error)) return undefined;
      throw upstreamAnswer(error, ask.upstream.name);
    }
  }

  #direct({ upstream, repository, digest, call }: Ask): DirectSource {
    const size = this.#store.cache.namedSize(repository, digest) ?? -1;
    const blob = { mediaType: "application/octet-stream", digest, size };
    return {
      digest,
      upstream: upstream.name,
      open: (range, signal) =>
        upstream.repository(repository.path, "read", call).openUnchecked(blob, range, { signal }),
    };
  }

  async #askSize(ask: Ask, key: string): Promise<number | undefined> {
    const { upstream, repository, digest, call } = ask;
    const signal = AbortSignal.timeout(upstream.patienceMs);
    try {
      const repo = upstream.repository(repository.path, "read", call);
      const size = await repo.statBlob(digest, { signal });
      if (size === undefined) this.#absent.set(key, true, absentForMs);
      if (size !== -1) return size;
      await using opened = await this.#direct(ask).open({ start: 0 }, signal);
      return opened.size;
    } catch (error) {
      upstream.failed(error);
      if (upstream.takesPushesAlone && isOutage(error)) return undefined; // then clients push it
      throw upstreamAnswer(error, upstream.name);
    }
  }
}

/** What is asked for behind the blob's end is opened from its start: by its size one can tell. */
async function openPassed(
  direct: DirectSource,
  range: Partial<ByteRange> & { readonly start: number },
  signal: AbortSignal,
): Promise<PassedBlob> {
  try {
    return new PassedBlob(direct, range, await direct.open(range, signal));
  } catch (error) {
    const isOutside = error instanceof RegistryError && error.status === 416;
    if (!isOutside || range.start === 0) throw error;
    return await openPassed(direct, { start: 0 }, signal);
  }
}

/** A request that came back to us in a circle must not wait for itself: hence the hops. */
function keyOf({
  repository,
  digest,
  call,
}: Pick<Ask, "repository" | "digest"> & { readonly call: Pick<ServerCall, "hops"> }): string {
  return `${call.hops ?? 0} ${servedName(repository)} ${digest}`;
}

/** What it holds is for the next; nothing is kept of nothing. */
async function leave(file: CacheFill): Promise<void> {
  if (file.size > 0) await file.keep();
  await file[Symbol.asyncDispose]();
}

function isAhead({ call }: Ask, held: number): boolean {
  return (call.range?.start ?? 0) - held > farAhead;
}
