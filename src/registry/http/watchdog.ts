/** What a {@link Watchdog} looks at. */
export interface Watched {
  /** Called about every period with the watchdog's time, in ticks. */
  tick(now: number): void;
}

/** The deadline of who has none. */
export const never = Number.POSITIVE_INFINITY;

/**
 * One coarse timer for all the waits of a client: a wait costs an addition, not a timer. Deadlines are kept no earlier
 * than asked, and up to two periods late. It never keeps the process alive.
 */
export class Watchdog {
  readonly #periodMs: number;
  readonly #watched = new Set<Watched>();
  #now = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** The tick at which a wait of so many milliseconds from now is over. */
  deadline(waitMs: number): number {
    return this.#now + Math.ceil(waitMs / this.#periodMs) + 1;
  }

  watch(watched: Watched): void {
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#tick(), this.#periodMs).unref();
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#now++;
    for (const watched of this.#watched) watched.tick(this.#now);
  }
}

/** A period that keeps the shortest of some time-outs to within an eighth or so: 5 ms to 1 s. */
export function periodFor(timeoutsMs: readonly number[]): number {
  return Math.max(5, Math.min(1000, Math.floor(Math.min(...timeoutsMs) / 8)));
}
