/** One a run, handed to every copy: how many transfers at once, and one transfer a digest however many images want it. */
export interface Transfers {
  /**
   * Runs `work` unless this run is moving or has moved `what` to `place`; then waits for that and gives its result. A
   * failed transfer is forgotten, so that whoever waited tries for itself.
   */
  once<T>(
    place: string,
    what: string,
    work: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly joined: boolean }>;
  /** Runs `work` when a transfer slot is free. */
  inSlot<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** `slots` transfers at once, whatever the number of images. */
export function createTransfers(slots: number): Transfers {
  const known = new Map<string, Promise<unknown>>();
  const gate = new Slots(slots);
  return {
    async once<T>(place: string, what: string, work: () => Promise<T>) {
      const key = `${place}\0${what}`;
      for (let other = known.get(key); other; other = known.get(key)) {
        const settled = await settle(other);
        if (settled) return { value: settled.value as T, joined: true };
      }
      const own = work();
      known.set(key, own);
      try {
        return { value: await own, joined: false };
      } catch (error) {
        known.delete(key);
        throw error;
      }
    },
    async inSlot(signal, work) {
      await gate.take(signal);
      try {
        return await work();
      } finally {
        gate.give();
      }
    },
  };
}

async function settle<T>(work: Promise<T>): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await work };
  } catch {
    return undefined; // whoever ran it has the error; who waited tries for itself
  }
}

class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
