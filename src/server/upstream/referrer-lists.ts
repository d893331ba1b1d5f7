import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { Flights } from "./flights.ts";
import { ShortMemory } from "./short-memory.ts";
import type { UpstreamStore } from "./store.ts";
import { isAbsence, isOutage, upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** A list is good for so long; beyond that, for a day, where the upstream cannot be asked. */
const goodForMs = 60_000;
const usableForMs = 86_400_000;
const listsKept = 1000;

/** A list, and when it was had. */
interface KeptList {
  readonly list: readonly Descriptor[];
  readonly at: number;
}

/** What has a manifest as its subject: what the upstream lists, by its API or the fallback tag, and what is held here. */
export class ReferrerLists {
  readonly #store: UpstreamStore;
  readonly #now: () => number;
  readonly #flights = new Flights<readonly Descriptor[]>();
  readonly #lists: ShortMemory<KeptList>;

  constructor(store: UpstreamStore, now: () => number) {
    this.#store = store;
    this.#now = now;
    this.#lists = new ShortMemory(listsKept, now);
  }

  /** @throws {RegistryAnswerError} where the upstream cannot say and never did: that is not "none" */
  async read(
    upstream: Upstream,
    repository: ServedRepository,
    subject: Digest,
    call: ServerCall,
  ): Promise<readonly Descriptor[]> {
    const own = await this.#store.listReferrers(repository, subject, call);
    const there = upstream.settings.offline
      ? []
      : await this.#there(upstream, repository, subject, call);
    const all = new Map([...there, ...own].map((item) => [item.digest, item]));
    return [...all.values()];
  }

  /** Something was pushed that has a subject. */
  forget(repository: ServedRepository, subject: Digest): void {
    this.#lists.delete(keyOf(repository, subject));
  }

  async #there(
    upstream: Upstream,
    repository: ServedRepository,
    subject: Digest,
    call: ServerCall,
  ): Promise<readonly Descriptor[]> {
    const key = keyOf(repository, subject);
    const known = this.#lists.get(key);
    if (known && this.#now() - known.at < goodForMs) return known.list;
    if (known && upstream.rests) return known.list;
    return await this.#flights.join(`${call.hops ?? 0} ${key}`, call.signal, async () => {
      const ms = known ? upstream.settings.answerWithin : upstream.patienceMs;
      try {
        const repo = upstream.repository(repository.path, "read", call);
        const list = await repo.readReferrers(subject, { signal: AbortSignal.timeout(ms) });
        upstream.answered();
        this.#lists.set(key, { list, at: this.#now() }, usableForMs);
        return list;
      } catch (error) {
        if (isAbsence(error)) return [];
        upstream.failed(error);
        if (known && isOutage(error)) return known.list;
        throw upstreamAnswer(error, upstream.name);
      }
    });
  }
}

function keyOf(repository: ServedRepository, subject: Digest): string {
  return `${servedName(repository)} ${subject}`;
}
