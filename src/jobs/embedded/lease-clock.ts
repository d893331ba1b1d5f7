/**
 * What leases run out by: the machine's clock, which all processes go by. Where it is set ahead, or the machine has slept,
 * leases go on by the former time for as long as one lasts, and so whoever holds one has renewed it by then.
 */
export class LeaseClock {
  readonly #now: () => number;
  readonly #leaseMs: number;
  /** What the machine's clock is ahead of this process's own. */
  #ahead: number;
  /** By the process's own clock. */
  #jumpedAt: number | undefined;

  constructor(now: () => number, leaseMs: number) {
    this.#now = now;
    this.#leaseMs = leaseMs;
    this.#ahead = now() - performance.now();
  }

  /** The time, and the one before which leases have run out. */
  read(): { readonly now: number; readonly lapsed: number } {
    const now = this.#now();
    const own = performance.now();
    const ahead = now - own;
    const isAsBefore = ahead - this.#ahead < this.#leaseMs / 4; // what renewing in time makes up for
    this.#jumpedAt = isAsBefore ? undefined : (this.#jumpedAt ?? own);
    if (this.#jumpedAt === undefined || own >= this.#jumpedAt + this.#leaseMs) {
      this.#ahead = ahead;
      this.#jumpedAt = undefined;
    }
    return { now, lapsed: own + this.#ahead };
  }
}
