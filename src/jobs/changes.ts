/** Looks now and then, as long as somebody waits, whether something has changed that nobody told of. */
export interface ChangePoll {
  readonly everyMs: number;
  changed(): boolean;
}

/** Of so many things it is known when they last changed; what is older counts as changed. */
const remembered = 1000;

/** Tells those who wait that something has changed: what this process did, and what it heard that others did. */
export class Changes {
  readonly #poll: ChangePoll | undefined;
  readonly #waiting = new Map<() => void, string | undefined>();
  readonly #lastOf = new Map<string, number>();
  /** The last change that was of no one thing, or of one that is not remembered. */
  #lastOfAll = 0;
  #polling: NodeJS.Timeout | undefined;
  #version = 0;
  #closed = false;

  constructor(poll?: ChangePoll) {
    this.#poll = poll;
  }

  /** To be taken before what is waited for is looked for. */
  get mark(): number {
    return this.#version;
  }

  /** Something has changed: one thing alone, where it is named. */
  tell(about?: string): void {
    this.#version++;
    if (about === undefined) this.#lastOfAll = this.#version;
    else this.#remember(about);
    for (const [wake, of] of [...this.#waiting]) {
      if (about === undefined || of === undefined || of === about) wake();
    }
  }

  #remember(about: string): void {
    this.#lastOf.delete(about);
    this.#lastOf.set(about, this.#version);
    const [oldest] = this.#lastOf;
    if (this.#lastOf.size <= remembered || !oldest) return;
    this.#lastOf.delete(oldest[0]);
    this.#lastOfAll = Math.max(this.#lastOfAll, oldest[1]);
  }

  #hasChanged(mark: number, about: string | undefined): boolean {
    if (about === undefined) return mark !== this.#version;
    return this.#lastOfAll > mark || (this.#lastOf.get(about) ?? 0) > mark;
  }

  /**
   * Ends when something has changed since `mark` (that one thing, where it is named), after `atMostMs`, when `signal` aborts,
   * and when all is closed.
   */
  async since(mark: number, atMostMs: number, signal: AbortSignal, about?: string): Promise<void> {
    if (this.#hasChanged(mark, about) || signal.aborted || this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, Math.min(atMostMs, 2 ** 30));
    signal.addEventListener("abort", wake, { once: true });
    this.#waiting.set(wake, about);
    this.#start();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      this.#waiting.delete(wake);
      if (this.#waiting.size === 0) this.#stop();
    }
  }

  #start(): void {
    const poll = this.#poll;
    if (poll === undefined) return;
    this.#polling ??= setInterval(() => {
      if (poll.changed()) this.tell();
    }, poll.everyMs);
  }

  #stop(): void {
    clearInterval(this.#polling);
    this.#polling = undefined;
  }

  /** Nobody waits any more from now on. */
  close(): void {
    this.#closed = true;
    this.#stop();
    for (const wake of [...this.#waiting.keys()]) wake();
  }
}

/** Changes of a queue and of a ledger, apart: blobs that move a few times a second are no news for who waits for work. */
export interface JobChanges {
  readonly queue: Changes;
  readonly ledger: Changes;
}
