/** Remembers when turns ended, for so long; what was before is not known. */
const memoryMs = 10 * 60_000;
const mostRemembered = 20_000;

/** A turn that is had: to be ended once. */
export type EndTurn = () => void;

/** Turns of this process: one at a time for each key, in the order of asking. */
export class LocalTurns {
  readonly #now: () => number;
  /** Who waits for a key to be free. */
  readonly #watchers = new Map<string, (() => void)[]>();
  /** Who waits behind the one that has the turn. */
  readonly #lines = new Map<string, (() => void)[]>();
  /** When the last turn ended, the latest last. */
  readonly #ended = new Map<string, number>();
  #forgotUntil = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  async take(key: string, signal: AbortSignal): Promise<EndTurn> {
    signal.throwIfAborted();
    const line = this.#lines.get(key);
    if (!line) return this.#begin(key);
    await inLine(line, signal);
    return this.#ending(key, line);
  }

  /** Waits while anybody has the turn. */
  async free(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#lines.has(key)) return;
    const watchers = this.#watchers.get(key) ?? [];
    this.#watchers.set(key, watchers);
    await inLine(watchers, signal);
  }

  /** Undefined where somebody has the turn, or may have had it in the last `quietMs`. */
  takeIfQuiet(key: string, quietMs: number): EndTurn | undefined {
    if (this.#lines.has(key)) return undefined;
    const since = this.#now() - quietMs;
    const last = this.#ended.get(key) ?? this.#forgotUntil;
    return quietMs > memoryMs || last >= since ? undefined : this.#begin(key);
  }

  #begin(key: string): EndTurn {
    const line: (() => void)[] = [];
    this.#lines.set(key, line);
    return this.#ending(key, line);
  }

  #ending(key: string, line: (() => void)[]): EndTurn {
    return () => {
      const next = line.shift();
      if (next) return next();
      this.#lines.delete(key);
      this.#remember(key);
      for (const watcher of this.#watchers.get(key) ?? []) watcher();
      this.#watchers.delete(key);
    };
  }

  #remember(key: string): void {
    const now = this.#now();
    this.#ended.delete(key);
    this.#ended.set(key, now);
    for (const [oldest, at] of this.#ended) {
      if (this.#ended.size <= mostRemembered && at > now - memoryMs) return;
      this.#ended.delete(oldest);
      if (at > now - memoryMs) this.#forgotUntil = at;
    }
  }
}

/** Waits until it is taken out of the line and called. */
async function inLine(line: (() => void)[], signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => {
    const at = line.indexOf(resolve);
    if (at >= 0) line.splice(at, 1);
    reject(signal.reason);
  };
  line.push(resolve);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
