const lookMs = 50;
const mostTries = 10;

/**
 * Does what has to happen in time. Where it fails and this machine stood still for `stallMs` meanwhile, it tells nothing of
 * the program, and is done anew; what fails on a machine that goes on fails at once.
 */
export async function undisturbed(stallMs: number, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const stalls = new Stalls();
    try {
      return await work();
    } catch (error) {
      if (stalls.longestMs < stallMs || tries === mostTries) throw error;
    } finally {
      stalls[Symbol.dispose]();
    }
  }
}

/** Notices for how long this process could do nothing, whoever kept it from it. */
export class Stalls implements Disposable {
  #longestMs = 0;
  #seen = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  #look(): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#seen - lookMs);
    this.#seen = now;
  }

  /** The longest until now, in milliseconds. */
  get longestMs(): number {
    this.#look();
    return this.#longestMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
