import type { Watchdog, Watched } from "./watchdog.ts";
import type { Wire } from "./wire.ts";

/** The connections to one origin that nobody uses at the moment: all lanes put them here, and take the freshest. */
export class IdleConnections implements Watched {
  readonly #watchdog: Watchdog;
  /** And the tick at which each is too old; the freshest is the last. */
  readonly #idle = new Map<Wire, number>();

  constructor(watchdog: Watchdog) {
    this.#watchdog = watchdog;
  }

  /** Keeps a connection for so many milliseconds, or until anything stirs on it. */
  put(wire: Wire, keptMs: number): void {
    this.#idle.set(wire, this.#watchdog.deadline(keptMs));
    wire.rest(() => this.drop(wire));
    this.#watchdog.watch(this);
  }

  /** The freshest, ready for use. */
  take(): Wire | undefined {
    const wire = [...this.#idle.keys()].at(-1);
    if (wire === undefined) return undefined;
    this.#forget(wire);
    wire.wake();
    return wire;
  }

  /** Closes a connection, if it is idle. */
  drop(wire: Wire): void {
    if (!this.#idle.has(wire)) return;
    this.#forget(wire);
    wire.kill(closed);
  }

  /** Closes all of them. */
  dropAll(): void {
    for (const wire of [...this.#idle.keys()]) this.drop(wire);
  }

  tick(now: number): void {
    for (const [wire, due] of this.#idle) if (now >= due) this.drop(wire);
  }

  #forget(wire: Wire): void {
    this.#idle.delete(wire);
    if (this.#idle.size === 0) this.#watchdog.unwatch(this);
  }
}

/** What the connection of an idle or finished request is closed by; nobody is there to see it. */
export const closed = new Error("connection closed");
