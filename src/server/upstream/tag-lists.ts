import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { NamesPage, Page } from "../v2/backend.ts";
import { Flights } from "./flights.ts";
import { ownCall } from "./own-call.ts";
import { ShortMemory } from "./short-memory.ts";
import { neverAsk, type UpstreamStore } from "./store.ts";
import { isAbsence, isOutage, upstreamAnswer } from "./upstream-answer.ts";
import type { Upstream } from "./upstream-client.ts";

/** A list is good for so long, so that paging through it asks the upstream once. */
const goodForMs = 60_000;
const listsKept = 16;
const patienceMs = 60_000;
/** The store's own lists are read by so many. */
const pageSize = 10_000;

/** What tags there are: the upstream's, and those that were pushed here and are not there yet. */
export class TagLists {
  readonly #store: UpstreamStore;
  readonly #isWaiting: (repository: ServedRepository, tag: string) => boolean;
  readonly #flights = new Flights<readonly string[] | undefined>();
  readonly #lists: ShortMemory<readonly string[]>;

  constructor(
    store: UpstreamStore,
    now: () => number,
    isWaiting: (repository: ServedRepository, tag: string) => boolean,
  ) {
    this.#store = store;
    this.#isWaiting = isWaiting;
    this.#lists = new ShortMemory(listsKept, now);
  }

  /** Undefined where there is no such repository. */
  async page(
    upstream: Upstream,
    repository: ServedRepository,
    { last, limit }: Page,
    call: ServerCall,
  ): Promise<NamesPage | undefined> {
    const all = await this.#all(upstream, repository, call);
    if (!all) return undefined;
    const start = last === undefined ? 0 : firstAfter(all, last);
    return { names: all.slice(start, start + limit), more: all.length > start + limit };
  }

  /** A tag was pushed or deleted. */
  forget(repository: ServedRepository): void {
    this.#lists.delete(servedName(repository));
  }

  async #all(
    upstream: Upstream,
    repository: ServedRepository,
    call: ServerCall,
  ): Promise<readonly string[] | undefined> {
    if (upstream.settings.offline) return await this.#kept(repository, call, () => true);
    const key = servedName(repository);
    const known = this.#lists.get(key);
    if (known) return known;
    return await this.#flights.join(`${call.hops ?? 0} ${key}`, call.signal, async () => {
      const list = await this.#ask(upstream, repository, ownCall(call, patienceMs));
      if (list) this.#lists.set(key, list, goodForMs);
      return list;
    });
  }

  async #ask(
    upstream: Upstream,
    repository: ServedRepository,
    call: ServerCall,
  ): Promise<readonly string[] | undefined> {
    const pushed = await this.#kept(repository, call, (tag) => this.#isPushed(repository, tag));
    try {
      const there = await upstream.repository(repository.path, "read", call).listTags(call);
      upstream.answered();
      return [...new Set([...there, ...(pushed ?? [])])].sort();
    } catch (error) {
      if (isAbsence(error)) return pushed && pushed.length > 0 ? pushed : undefined;
      upstream.failed(error);
      const kept = isOutage(error) && (await this.#kept(repository, call, () => true));
      if (kept && kept.length > 0) return kept;
      throw upstreamAnswer(error, upstream.name);
    }
  }

  #isPushed(repository: ServedRepository, tag: string): boolean {
    if (this.#store.cache.readTag(repository, tag)?.checkedAt === neverAsk) return true;
    return this.#isWaiting(repository, tag);
  }

  async #kept(
    repository: ServedRepository,
    call: ServerCall,
    isWanted: (tag: string) => boolean,
  ): Promise<readonly string[] | undefined> {
    const kept: string[] = [];
    for (let last: string | undefined; ; ) {
      const page = { limit: pageSize, ...(last !== undefined && { last }) };
      const read = await this.#store.listTags(repository, page, call);
      if (!read) return last === undefined ? undefined : kept;
      kept.push(...read.names.filter(isWanted));
      last = read.names.at(-1);
      if (!read.more || last === undefined) return kept;
    }
  }
}

function firstAfter(sorted: readonly string[], last: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}
