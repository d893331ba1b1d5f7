/** Looks now and then, as long as somebody waits, whether something has changed that nobody told of. */
export interface ChangePoll {
  readonly everyMs: number;
  changed(): boolean;
}

/** Tells those who wait that something has changed: what this process did, and what it heard that others did. */
export class Changes {
  readonly #poll: ChangePoll | undefined;
  readonly #waiting = new Set<() => void>();
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

  /** Something has changed. */
  tell(): void {
    this.#version++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Ends when something has changed since `mark`, after `atMostMs`, when `signal` aborts, and when all is closed. */
  async since(mark: number, atMostMs: number, signal: AbortSignal): Promise<void> {
    if (mark !== this.#version || signal.aborted || this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, Math.min(atMostMs, 2 ** 30));
    signal.addEventListener("abort", wake, { once: true });
    this.#waiting.add(wake);
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
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Changes of a queue and of a ledger, apart: blobs that move a few times a second are no news for who waits for work. */
export interface JobChanges {
  readonly queue: Changes;
  readonly ledger: Changes;
}
