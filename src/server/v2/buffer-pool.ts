const largeBytes = 256 * 1024;
const smallBytes = 32 * 1024;
/** Large ones that are kept for the next answer; more go back to the system. */
const keptFree = 16;

/**
 * Memory for answers on their way, used again and again. Nobody waits for it: when the large buffers are all out, at
 * clients that read slowly perhaps, the others get small ones.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #lent = 0;
  readonly #most: number;

  /** `maxBytes`: of all large buffers together. */
  constructor(maxBytes: number) {
    this.#most = Math.floor(maxBytes / largeBytes);
  }

  /** No larger than it has to be for `bytes`. */
  take(bytes: number): Buffer {
    if (bytes <= smallBytes || this.#lent >= this.#most) {
      return Buffer.allocUnsafe(Math.min(bytes, smallBytes));
    }
    this.#lent += 1;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(largeBytes);
  }

  /** What nobody uses any more; `reusable` is false where a write may still be under way. */
  give(buffer: Buffer, reusable: boolean): void {
    if (buffer.length !== largeBytes) return;
    this.#lent -= 1;
    if (reusable && this.#free.length < keptFree) this.#free.push(buffer);
  }
}
