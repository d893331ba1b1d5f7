/**
 * Tells that the file has changed: at once of what this process did, and by looking now and then, as long as somebody
 * waits, of what others did.
 */
export class Changes {
  readonly #dataVersion: () => number;
  readonly #pollMs: number;
  readonly #waiting = new Set<() => void>();
  #poll: NodeJS.Timeout | undefined;
  #seen: number;
  #version = 0;
  #closed = false;

  /** @param dataVersion SQLite's: another number where another process has changed something */
  constructor(dataVersion: () => number, pollMs: number) {
    this.#dataVersion = dataVersion;
    this.#pollMs = pollMs;
    this.#seen = dataVersion();
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
    this.#poll ??= setInterval(() => this.#look(), this.#pollMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      this.#waiting.delete(wake);
      if (this.#waiting.size === 0) this.#stop();
    }
  }

  #look(): void {
    let version: number;
    try {
      version = this.#dataVersion();
    } catch {
      return; // whoever waits looks for himself, and is told then what is wrong
    }
    if (version === this.#seen) return;
    this.#seen = version;
    this.tell();
  }

  #stop(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    for (const wake of [...this.#waiting]) wake();
  }
}
