import type { Clock } from "../../src/registry/clock.ts";

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still but for sleepers: they wake one after the other, in the order in which they are due, and each
 * finds it to be just then. What is counted by it is the same on any machine.
 */
export class JumpingClock implements Clock {
  #now = 1_700_000_000_000;
  #sleepers: Sleeper[] = [];
  #jumping = false;

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { due: this.#now + ms, wake: resolve };
    const abort = () => {
      this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
      reject(signal.reason);
    };
    this.#sleepers.push(sleeper);
    this.#sleepers.sort((a, b) => a.due - b.due);
    signal.addEventListener("abort", abort, { once: true });
    this.#jumpSoon();
    await promise.finally(() => signal.removeEventListener("abort", abort));
  }

  #jumpSoon(): void {
    if (this.#jumping) return;
    this.#jumping = true;
    setImmediate(() => {
      this.#jumping = false;
      const next = this.#sleepers.shift();
      if (!next) return;
      this.#now = Math.max(this.#now, next.due);
      next.wake();
      if (this.#sleepers.length > 0) this.#jumpSoon();
    });
  }
}

/** What happened when, so much at once, in milliseconds of a clock. */
export class Counted {
  readonly #clock: Clock;
  readonly #all: { readonly at: number; readonly amount: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly note = (amount: number): void => {
    this.#all.push({ at: this.#clock.now(), amount });
  };

  get total(): number {
    return this.#all.reduce((sum, { amount }) => sum + amount, 0);
  }

  /** From the first to the last. */
  get ms(): number {
    return (this.#all.at(-1)?.at ?? 0) - (this.#all[0]?.at ?? 0);
  }

  /** The most in any second. */
  get mostInASecond(): number {
    let most = 0;
    let from = 0;
    let sum = 0;
    for (const { at, amount } of this.#all) {
      sum += amount;
      for (; (this.#all[from]?.at ?? at) <= at - 1000; from++) sum -= this.#all[from]?.amount ?? 0;
      most = Math.max(most, sum);
    }
    return most;
  }
}
