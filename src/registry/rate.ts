import type { Clock } from "./clock.ts";

/** What was not used in so long a time may be used at once; what was not before is lost. */
const burstMs = 100;

/**
 * So much a second, spent in the order in which it is asked for. Each is told at once when its turn is, and sleeps until
 * then: nobody looks again and again. In no second goes more than one and a tenth of a second's worth, and one amount.
 */
export class Rate {
  readonly #clock: Clock;
  readonly #msEach: number;
  /** When all that was given so far is paid for. */
  #paidAt = Number.NEGATIVE_INFINITY;
  #now = Number.NEGATIVE_INFINITY;

  /** @param perSecond more than 0 */
  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#msEach = 1000 / perSecond;
  }

  /** Waits until what was asked for before is paid for. Who gives up gives back what was kept for it. */
  async spend(amount: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = this.#tick();
    const at = Math.max(this.#paidAt, now - burstMs);
    const ms = amount * this.#msEach;
    this.#paidAt = at + ms;
    if (at <= now) return;
    try {
      await this.#clock.sleep(at - now, signal);
    } catch (error) {
      this.#paidAt -= ms;
      throw error;
    }
  }

  /** A clock that is set back takes what is owed with it: else all would wait for the old time to come. */
  #tick(): number {
    const now = this.#clock.now();
    if (now < this.#now) this.#paidAt -= this.#now - now;
    this.#now = now;
    return now;
  }
}
