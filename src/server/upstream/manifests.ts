import type { Digest } from "../../core/digest.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import type { ManifestHead } from "../../registry/manifests.ts";
import type { Repository } from "../../registry/repository.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import type { HeldManifest, ManifestReference } from "../v2/backend.ts";
import { Flights } from "./flights.ts";
import { ownCall } from "./own-call.ts";
import { ShortMemory } from "./short-memory.ts";
import { neverAsk, type UpstreamStore } from "./store.ts";
import { isAbsence, isOutage, upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** A 404 is believed for so long. */
const absentForMs = 30_000;
const absencesKept = 10_000;

/** What manifests are read with. */
export interface ManifestCacheOptions {
  readonly store: UpstreamStore;
  readonly now: () => number;
  readonly report: Report;
  /** Whether a tag was pushed here, and its upstream does not know of it yet. */
  readonly isWaiting: (repository: ServedRepository, tag: string) => boolean;
  /** Told of every manifest that was fetched. */
  readonly onFetched?: (
    upstream: Upstream,
    repository: ServedRepository,
    manifest: RawManifest,
  ) => void;
}

/** One request for a manifest. */
interface Ask {
  readonly upstream: Upstream;
  readonly repository: ServedRepository;
  readonly call: ServerCall;
}

/** What is known of a tag. */
interface KnownTag {
  readonly digest: Digest;
  readonly checkedAt: number;
}

/**
 * Manifests of upstreams: those fetched by digest are kept for ever, a tag for as long as it is fresh, and beyond that
 * where its upstream cannot say whether it has moved (`specs/registry.md` 5.5).
 */
export class ManifestCache {
  readonly #options: ManifestCacheOptions;
  readonly #store: UpstreamStore;
  readonly #now: () => number;
  readonly #flights = new Flights<RawManifest | undefined>();
  readonly #absent: ShortMemory<true>;

  constructor(options: ManifestCacheOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#now = options.now;
    this.#absent = new ShortMemory(absencesKept, options.now);
  }

  /** @throws {RegistryAnswerError} where the upstream fails and no copy can stand in for its answer */
  async read(
    upstream: Upstream,
    repository: ServedRepository,
    reference: ManifestReference,
    call: ServerCall,
  ): Promise<HeldManifest | undefined> {
    const ask = { upstream, repository, call };
    if (reference.type === "tag") return await this.#readTag(ask, reference.tag);
    const held = await this.#store.readManifest(repository, reference, call);
    if (held) return this.#counted("hit", held);
    if (upstream.settings.offline) return undefined;
    return await orToBePushed(ask, () =>
      this.#fetchOnce(ask, reference.digest, (own) => this.#fetch(own, reference.digest)),
    );
  }

  /** Forgets that a manifest was not there. */
  forgetAbsence(repository: ServedRepository, reference: string): void {
    this.#absent.delete(keyOf(repository, reference));
  }

  async #readTag(ask: Ask, tag: string): Promise<HeldManifest | undefined> {
    const known = this.#knownTag(ask, tag);
    const { freshFor, offline } = ask.upstream.settings;
    const isFresh = known && this.#now() - known.checkedAt < freshFor;
    if (known && (isFresh || this.#options.isWaiting(ask.repository, tag))) {
      const held = await this.#held(ask, known.digest);
      if (held) return this.#counted("hit", held);
    }
    if (offline) return known && (await this.#stale(ask, known, "is not asked (offline)"));
    if (known && ask.upstream.rests) {
      const held = await this.#stale(ask, known, "did not answer a moment ago");
      if (held) return held;
    }
    return await orToBePushed(ask, () => this.#refreshTag(ask, tag, known));
  }

  /** What stays here by another mode than the present one is the upstream's again. */
  #knownTag({ upstream, repository }: Ask, tag: string): KnownTag | undefined {
    const known = this.#store.cache.readTag(repository, tag);
    const isOver = known?.checkedAt === neverAsk && upstream.settings.push !== "local-only";
    return known && isOver ? { digest: known.digest, checkedAt: 0 } : known;
  }

  async #refreshTag(
    ask: Ask,
    tag: string,
    known: KnownTag | undefined,
  ): Promise<HeldManifest | undefined> {
    try {
      const fetched = await this.#fetchOnce(ask, tag, (own) => this.#revalidate(own, tag, known));
      if (fetched || !known) return fetched;
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (!known || !isOutage(cause)) throw error;
      const held = await this.#stale(ask, known, "cannot be asked now");
      if (held) return held;
      throw error;
    }
    return await this.#missing(ask, tag, known);
  }

  /** The tag is not there any more. */
  async #missing(ask: Ask, tag: string, known: KnownTag): Promise<HeldManifest | undefined> {
    const { missing } = ask.upstream.settings;
    if (missing === "serve-stale")
      return await this.#stale(ask, known, "does not have it any more");
    if (missing === "remove") this.#store.cache.removeTag(ask.repository, tag);
    return undefined;
  }

  /** @throws {RegistryAnswerError} with the upstream's failure as its cause */
  async #fetchOnce(
    ask: Ask,
    reference: string,
    work: (ask: Ask) => Promise<RawManifest | undefined>,
  ): Promise<RawManifest | undefined> {
    const key = keyOf(ask.repository, reference);
    if (this.#absent.get(key)) return undefined;
    const flight = `${ask.call.hops ?? 0} ${key}`; // a request that came back to us in a circle must not wait for itself
    return await this.#flights.join(flight, ask.call.signal, async () => {
      try {
        const found = await work({ ...ask, call: ownCall(ask.call, ask.upstream.patienceMs) });
        ask.upstream.answered();
        if (!found) this.#absent.set(key, true, absentForMs);
        return found;
      } catch (error) {
        ask.upstream.failed(error);
        throw upstreamAnswer(error, ask.upstream.name);
      }
    });
  }

  /** Undefined: it is not there. */
  async #revalidate(
    ask: Ask,
    tag: string,
    known: KnownTag | undefined,
  ): Promise<RawManifest | undefined> {
    const held = known && (await this.#held(ask, known.digest));
    if (!known || !held) return await this.#fetch(ask, tag);
    const signal = AbortSignal.timeout(ask.upstream.settings.answerWithin);
    const head = await this.#repository(ask).headManifest(tag, { signal });
    if (head.type === "absent") return undefined;
    const same = await this.#unmoved(ask, held, head);
    if (!same) return await this.#fetch(ask, tag, signal);
    const isMere = same === held && known.checkedAt > 0;
    if (isMere) this.#store.cache.touchTag(ask.repository, tag, this.#now());
    else await this.#keep(ask, same, [tag]);
    return same;
  }

  /** What the tag stands for, where that is held: often what it stood for before. */
  async #unmoved(
    ask: Ask,
    held: HeldManifest,
    head: Exclude<ManifestHead, { type: "absent" }>,
  ): Promise<RawManifest | undefined> {
    if (head.type === "unknown") return undefined;
    return head.digest === held.digest ? held : await this.#held(ask, head.digest);
  }

  async #fetch(
    ask: Ask,
    reference: string,
    signal = ask.call.signal,
  ): Promise<RawManifest | undefined> {
    this.#options.report({ type: "cache", kind: "manifest", result: "miss" });
    const manifest = await readVerified(this.#repository(ask), reference, signal);
    if (!manifest) return undefined;
    await this.#keep(ask, manifest, reference.includes(":") ? [] : [reference]);
    this.#options.onFetched?.(ask.upstream, ask.repository, manifest);
    return manifest;
  }

  /** What cannot be kept can be served all the same. */
  async #keep({ repository }: Ask, manifest: RawManifest, tags: readonly string[]): Promise<void> {
    try {
      await this.#store.cache.keepManifest(repository, manifest, { tags, checkedAt: this.#now() });
    } catch (error) {
      const text = `${manifest.digest} of ${servedName(repository)} is not kept`;
      this.#options.report({ type: "message", level: "error", text, error });
    }
  }

  #held({ repository, call }: Ask, digest: Digest): Promise<HeldManifest | undefined> {
    return this.#store.readManifest(repository, { type: "digest", digest }, call);
  }

  async #stale(ask: Ask, known: KnownTag, why: string): Promise<HeldManifest | undefined> {
    const held = await this.#held(ask, known.digest);
    if (!held) return undefined;
    const ageSeconds = Math.max(0, Math.floor((this.#now() - known.checkedAt) / 1000));
    const warning = `stale: upstream ${ask.upstream.name} ${why}`;
    return this.#counted("stale", { ...held, stale: { warning, ageSeconds } });
  }

  #counted(result: "hit" | "stale", held: HeldManifest): HeldManifest {
    this.#options.report({ type: "cache", kind: "manifest", result });
    return held;
  }

  #repository({ upstream, repository, call }: Ask): Repository {
    return upstream.repository(repository.path, "read", call);
  }
}

/** Undefined where it is not there. Its digest is the one asked for, or that of its bytes. */
async function readVerified(
  repository: Repository,
  reference: string,
  signal: AbortSignal,
): Promise<RawManifest | undefined> {
  const digest = reference.includes(":") ? (reference as Digest) : undefined;
  try {
    const fetched = await repository.readManifest(reference, { signal });
    const { bytes, contentType, digestHeader } = fetched;
    const expected = digest ?? digestHeader; // what is told of a tag must be so
    return readRawManifest(bytes, {
      ...(contentType !== undefined && { contentType }),
      ...(expected && { digest: expected }),
    });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * Whether it is asked for so as to be pushed where nobody need be asked: clients give up where they are told that this cannot
 * be found out.
 */
function isToBePushed({ upstream, call }: Ask): boolean {
  return call.isForPushing === true && upstream.takesPushesAlone;
}

/** What `work` finds; nothing where its upstream cannot be asked, and it can be pushed without. */
async function orToBePushed<T>(ask: Ask, work: () => Promise<T>): Promise<T | undefined> {
  if (isToBePushed(ask) && ask.upstream.rests) return undefined;
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (isToBePushed(ask) && isOutage(cause)) return undefined;
    throw error;
  }
}

function keyOf(repository: ServedRepository, reference: string): string {
  return `${servedName(repository)} ${reference}`;
}
