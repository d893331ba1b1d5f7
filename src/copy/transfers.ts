import { Bringer, type Bringing, type OtherWorkers } from "./bring.ts";

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
  /**
   * Has a blob at a registry that this run or another worker may be moving it to: {@link Bringer}. `adopt` is given what
   * came of the last move, where that is remembered.
   */
  bring<T>(
    blob: Omit<Bringing<T>, "adopt"> & {
      adopt(again: boolean, earlier: T | undefined): Promise<T | undefined>;
    },
  ): Promise<T>;
}

/** Transfers whose results are remembered: whoever wants an older one has to ask the destination. */
const remembered = 2000;

/** `slots` transfers at once, whatever the number of images. `others` move blobs to the same registries at once. */
export function createTransfers(slots: number, others?: OtherWorkers): Transfers {
  const bringer = new Bringer(others);
  const brought = new Recent<unknown>(remembered);
  const moving = new Map<string, Promise<unknown>>();
  const moved = new Recent<unknown>(remembered);
  const gate = new Slots(slots);
  return {
    async once<T>(place: string, what: string, work: () => Promise<T>) {
      const key = `${place}\0${what}`;
      const done = moved.get(key);
      if (done) return { value: done.value as T, joined: true };
      for (let other = moving.get(key); other; other = moving.get(key)) {
        const settled = await settle(other);
        if (settled) return { value: settled.value as T, joined: true };
      }
      const own = work();
      moving.set(key, own);
      try {
        const value = await own;
        moved.set(key, value);
        return { value, joined: false };
      } finally {
        moving.delete(key);
      }
    },
    async bring<T>({ key, signal, adopt, inSlot, move }: Parameters<Transfers["bring"]>[0]) {
      return (await bringer.bring({
        key,
        signal,
        inSlot,
        adopt: (again) => adopt(again, brought.get(key)?.value),
        async move() {
          const value = await move();
          brought.set(key, value);
          return value;
        },
      })) as T;
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

/** The last so many values, by key. */
class Recent<T> {
  readonly #values = new Map<string, { readonly value: T }>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): { readonly value: T } | undefined {
    const found = this.#values.get(key);
    if (found) this.#keep(key, found);
    return found;
  }

  set(key: string, value: T): void {
    this.#keep(key, { value });
    const [first] = this.#values.keys();
    if (this.#values.size > this.#most && first !== undefined) this.#values.delete(first);
  }

  /** As the last. */
  #keep(key: string, found: { readonly value: T }): void {
    this.#values.delete(key);
    this.#values.set(key, found);
  }
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
