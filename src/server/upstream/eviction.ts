import type { Report } from "../server-event.ts";
import type { CacheSettings } from "./settings.ts";
import type { UpstreamStore } from "./store.ts";

/** The store is not looked through more often than this. */
const everyMs = 10_000;

/** Has the store make room when what is kept of upstreams has grown past its limit. */
export class Eviction {
  readonly #settings: CacheSettings;
  readonly #store: UpstreamStore;
  readonly #now: () => number;
  readonly #report: Report;
  #lastAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor(
    settings: CacheSettings,
    parts: { readonly store: UpstreamStore; readonly now: () => number; readonly report: Report },
  ) {
    this.#settings = settings;
    this.#store = parts.store;
    this.#now = parts.now;
    this.#report = parts.report;
  }

  /** Something was added. */
  consider(): void {
    const { maxBytes } = this.#settings;
    if (maxBytes === undefined || this.#now() - this.#lastAt < everyMs) return;
    this.#lastAt = this.#now();
    this.#running = this.#running.then(() => this.#evict(maxBytes));
  }

  /** Resolves when nothing is being removed. */
  get settled(): Promise<void> {
    return this.#running;
  }

  async #evict(maxBytes: number): Promise<void> {
    const { low, minAge } = this.#settings;
    try {
      const lowBytes = Math.floor(maxBytes * low);
      await this.#store.cache.evict({ maxBytes, lowBytes, minAgeMs: minAge });
    } catch (error) {
      this.#report({ type: "message", level: "error", text: "the cache is not cleared", error });
    }
  }
}
