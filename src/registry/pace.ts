const windowMs = 120_000;
const leastBytes = 1024 * (windowMs / 1000);

/** Notices a peer that sends, but next to nothing: less than 1 KiB a second over two minutes of waiting for it. */
export class Pace {
  #waitedMs = 0;
  #bytes = 0;

  /** Counts bytes that were waited for; false where they come too slowly. */
  keeps(waitedMs: number, bytes: number): boolean {
    this.#waitedMs += waitedMs;
    this.#bytes += bytes;
    if (this.#waitedMs < windowMs) return true;
    const keeps = this.#bytes >= leastBytes;
    this.#waitedMs = 0;
    this.#bytes = 0;
    return keeps;
  }
}
