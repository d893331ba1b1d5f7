import type { Clock } from "./clock.ts";
import type { ReportRegistry } from "./events.ts";
import type { HostBudget } from "./host-budget.ts";
import { pullWaitMs, type RateLimit } from "./rate-limit.ts";
import { untilAborted } from "./until-aborted.ts";

/** What a {@link PullGate} works with. */
export interface PullGateOptions {
  readonly host: string;
  /** Pulls to leave; 0 leaves none. */
  readonly kept: number;
  readonly clock: Clock;
  readonly report: ReportRegistry;
  /** Where others tell what they hear. */
  readonly budget?: HostBudget;
}

/** Others' news is looked for at least so often. */
const newsMs = 30_000;
/** No wait is longer without a look at the clock. */
const longestMs = 3600_000;
/** A count that should have begun anew and did not is asked for again after so long. */
const leastWaitMs = 1000;

/**
 * Lets pulls go as long as so many are left as are to be kept: those under way count as done. Else they wait until the
 * count begins anew, or one comes back; then one goes ahead, and its answer tells of the others.
 */
export class PullGate {
  readonly #options: PullGateOptions;
  #told: { readonly rateLimit: RateLimit; readonly afterRequest: number } | undefined;
  /** Whether there is an answer to a pull, whatever it told. */
  #answered = false;
  #requests = 0;
  #underWay = 0;
  /** When one may go ahead though none is left. */
  #until: number | undefined;
  #news: RateLimit | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(options: PullGateOptions) {
    this.#options = options;
  }

  /** A request is sent: its number, for {@link hear}. */
  sending(): number {
    return ++this.#requests;
  }

  /** What the answer to a request told. Of requests that were under way at once, the least counts: the host saw that last. */
  hear(rateLimit: RateLimit, request: number): void {
    const known = this.#told;
    const overlaps = known !== undefined && request <= known.afterRequest;
    if (overlaps && rateLimit.remaining >= known.rateLimit.remaining) return;
    this.#news = rateLimit;
    this.#options.budget?.heard(rateLimit);
    this.#take(rateLimit);
  }

  /** Waits for the right to one pull; the function given back is called when it is answered. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (this.#options.kept === 0) return () => {};
    for (;;) {
      signal.throwIfAborted();
      this.#takeNews();
      if (this.#mayPull()) return this.#begin();
      await this.#wait(signal);
    }
  }

  #mayPull(): boolean {
    const { clock, kept } = this.#options;
    if (this.#told === undefined) return this.#answered || this.#underWay === 0;
    if (this.#told.rateLimit.remaining - this.#underWay > kept) return true;
    return this.#underWay === 0 && this.#until !== undefined && clock.now() >= this.#until;
  }

  #begin(): () => void {
    this.#until = undefined;
    this.#underWay++;
    let isUnderWay = true;
    return () => {
      if (isUnderWay) this.#underWay--;
      isUnderWay = false;
      this.#answered = true;
      this.#wake();
    };
  }

  /** Until an answer may tell more, or one may go ahead. */
  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#underWay > 0) return await untilAborted(this.#changed.promise, signal);
    const woken = new AbortController();
    const changed = this.#changed.promise.then(() => woken.abort());
    try {
      await this.#options.clock.sleep(this.#waitMs(), AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!woken.signal.aborted) throw error;
      await changed;
    }
  }

  #waitMs(): number {
    const { clock, kept, budget, host, report } = this.#options;
    const longest = budget ? newsMs : longestMs;
    const now = clock.now();
    if (this.#until === undefined) {
      const delayMs = Math.max(leastWaitMs, pullWaitMs(this.#told?.rateLimit, kept, now));
      this.#until = now + delayMs;
      report({ host, type: "held", delayMs, pullsLeft: this.#told?.rateLimit.remaining ?? 0 });
    }
    return Math.min(longest, this.#until - now);
  }

  #takeNews(): void {
    const news = this.#options.budget?.known();
    if (news === undefined || news === this.#news) return;
    this.#news = news;
    this.#take(news);
  }

  #take(rateLimit: RateLimit): void {
    this.#told = { rateLimit, afterRequest: this.#requests };
    if (rateLimit.remaining > this.#options.kept) this.#until = undefined;
    this.#wake();
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}
