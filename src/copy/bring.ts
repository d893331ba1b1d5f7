/** How workers agree that move blobs to one registry at once: {@link Coordinator} of src/sync has these. */
export interface OtherWorkers {
  /** Runs `move` unless somebody else moves the same, or has at any time in the last `quietMs`: then undefined. */
  ifQuiet<T>(
    key: string,
    quietMs: number,
    signal: AbortSignal,
    move: () => Promise<T>,
  ): Promise<{ readonly value: T } | undefined>;
  /** Waits while somebody moves it. */
  free(key: string, signal: AbortSignal): Promise<void>;
  /** Milliseconds. */
  now(): number;
}

/** One blob to bring to a place. */
export interface Bringing<T> {
  /** Names the blob and the registry, for all who could bring it. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Has what is there already. `again`: somebody else has just been at it, so that it likely is. */
  adopt(again: boolean): Promise<T | undefined>;
  /** Runs what moves when there is a slot for it. */
  inSlot<R>(work: () => Promise<R>): Promise<R>;
  move(): Promise<T>;
}

/**
 * Sees to it that a blob is on its way to one registry only once: whoever wants it too, for whatever repository and in
 * whatever worker, waits, and then finds it there. Nobody keeps a slot while waiting, and no worker keeps others waiting
 * that has no slot.
 */
export class Bringer {
  readonly #others: OtherWorkers | undefined;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(others: OtherWorkers | undefined) {
    this.#others = others;
  }

  async bring<T>(blob: Bringing<T>): Promise<T> {
    const { key, signal } = blob;
    let askedAt: number | undefined;
    for (let other = this.#underWay.get(key); other; other = this.#underWay.get(key)) {
      await unlessAborted(other, signal);
      askedAt = this.#now();
      const adopted = await blob.adopt(true);
      if (adopted !== undefined) return adopted;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.set(key, promise);
    try {
      return await this.#amongWorkers(blob, askedAt);
    } finally {
      this.#underWay.delete(key);
      resolve();
    }
  }

  async #amongWorkers<T>(blob: Bringing<T>, before: number | undefined): Promise<T> {
    let askedAt = before ?? this.#now();
    let adopted = before === undefined ? await blob.adopt(false) : undefined;
    while (adopted === undefined) {
      const moved = await blob.inSlot(() => this.#moveIfQuiet(blob, askedAt));
      if (moved) return moved.value;
      await this.#others?.free(blob.key, blob.signal);
      askedAt = this.#now();
      adopted = await blob.adopt(true);
    }
    return adopted;
  }

  async #moveIfQuiet<T>(
    { key, signal, move }: Bringing<T>,
    askedAt: number,
  ): Promise<{ readonly value: T } | undefined> {
    if (!this.#others) return { value: await move() };
    const sinceMs = Math.max(0, this.#now() - askedAt);
    return await this.#others.ifQuiet(key, sinceMs, signal, () => move());
  }

  #now(): number {
    return this.#others?.now() ?? 0;
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
