import { untilAborted } from "../../registry/until-aborted.ts";

/** Work that several wait for and that is done once. */
export class Flights<T> {
  readonly #running = new Map<string, Promise<T>>();

  /**
   * What the work under `key` comes to: of that which is going on already, if it is. It goes on when a waiter gives up, so
   * it needs an end of its own.
   */
  join(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const known = this.#running.get(key);
    if (known) return untilAborted(known, signal);
    const started = work().finally(() => this.#running.delete(key));
    started.catch(() => {}); // the waiters may all have left
    this.#running.set(key, started);
    return untilAborted(started, signal);
  }
}
