import type { HostBudget } from "./host-budget.ts";

/** Most bytes spent at once. */
const mostBytes = 256 * 1024;

/** Bytes that pass when the host's budget has room for them; just these where it limits no bytes. */
export function paced(
  bytes: AsyncIterable<Uint8Array>,
  budget: HostBudget | undefined,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const limit = budget?.rates.bytesPerSecond;
  if (!budget || limit === undefined) return bytes;
  const atOnce = Math.max(1, Math.min(mostBytes, Math.floor(limit / 8)));
  return { [Symbol.asyncIterator]: () => new PacedBytes(bytes, budget, atOnce, signal) };
}

type Result = IteratorResult<Uint8Array, undefined>;
const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Large chunks go in parts, so that many streams move side by side and none for a second. Neither side is asked for
 * anything while this waits: no time-out of theirs runs.
 */
class PacedBytes implements AsyncIterator<Uint8Array, undefined> {
  readonly #bytes: AsyncIterator<Uint8Array, unknown>;
  readonly #budget: HostBudget;
  readonly #atOnce: number;
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #rest = new Uint8Array();

  constructor(
    bytes: AsyncIterable<Uint8Array>,
    budget: HostBudget,
    atOnce: number,
    signal: AbortSignal,
  ) {
    this.#bytes = bytes[Symbol.asyncIterator]();
    this.#budget = budget;
    this.#atOnce = atOnce;
    this.#signal = AbortSignal.any([signal, this.#closed.signal]);
  }

  async next(): Promise<Result> {
    if (this.#rest.byteLength === 0) {
      const next = await this.#bytes.next();
      if (next.done || this.#closed.signal.aborted) return over;
      this.#rest = next.value as Uint8Array<ArrayBuffer>;
    }
    const part = this.#rest.subarray(0, this.#atOnce);
    try {
      await this.#budget.spend("bytes", part.byteLength, this.#signal);
    } catch (error) {
      if (this.#closed.signal.aborted) return over;
      await this.return();
      throw error;
    }
    this.#rest = this.#rest.subarray(part.byteLength);
    return { done: false, value: part };
  }

  /** May be called while {@link next} waits. */
  async return(): Promise<Result> {
    this.#closed.abort();
    await this.#bytes.return?.();
    return over;
  }
}
