import { keepAliveSeconds } from "./framing.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Route } from "./route.ts";
import type { Watchdog, Watched } from "./watchdog.ts";
import type { Wire } from "./wire.ts";

/** Longest time a connection is kept without a request; below the 60 s that servers commonly have. */
const idleMs = 30_000;
/** A connection is given up this long before its server would. */
const marginMs = 1_000;

/** A connection taken from the pool; to be given back by {@link ConnectionPool.release}. */
export interface Taken {
  readonly wire: Wire;
  /** Whether it served a request before: then the server may have closed it meanwhile. */
  readonly reused: boolean;
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly resolve: (taken: Taken) => void;
  readonly reject: (error: unknown) => void;
}

/** The connections of one lane to one origin: a bounded number, used again while they last, the freshest first. */
export class ConnectionPool implements Watched {
  readonly #route: Route;
  readonly #limit: number;
  readonly #watchdog: Watchdog;
  /** Idle connections and the tick at which they are too old; the freshest is the last. */
  readonly #idle = new Map<Wire, number>();
  readonly #busy = new Set<Wire>();
  readonly #waiting = new Set<Waiting>();
  #opening = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(route: Route, limit: number, watchdog: Watchdog) {
    this.#route = route;
    this.#limit = Math.max(1, limit);
    this.#watchdog = watchdog;
  }

  /**
   * A connection of one's own, as soon as there is one. `fresh` asks for one that was never used, and drops the idle
   * ones, of which one has turned out dead.
   *
   * @throws {HttpError} of phase "connect"
   */
  async take(signal: AbortSignal, fresh: boolean): Promise<Taken> {
    signal.throwIfAborted();
    if (this.#closed) throw this.#closed.reason;
    if (fresh) this.#dropIdle();
    const idle = this.#takeIdle();
    if (idle) return { wire: idle, reused: true };
    if (this.#busy.size + this.#opening < this.#limit) return await this.#open(signal);
    return await this.#wait(signal);
  }

  /** Gives a connection back. With the head of the last response it is kept, if it may be. */
  release(wire: Wire, keep: ResponseHead | undefined): void {
    this.#busy.delete(wire);
    const keptMs = keep === undefined ? 0 : keepMs(keep);
    if (keptMs <= 0 || !wire.quiet) {
      wire.kill(closed);
      this.#serveNext();
      return;
    }
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      this.#busy.add(wire);
      next.resolve({ wire, reused: true });
      return;
    }
    this.#idle.set(wire, this.#watchdog.deadline(keptMs));
    wire.rest(() => this.#dropOne(wire));
    this.#watchdog.watch(this);
  }

  tick(now: number): void {
    for (const [wire, due] of this.#idle) if (now >= due) this.#dropOne(wire);
  }

  /** Ends all connections. Who still reads from one gets `reason`. */
  close(reason: unknown): void {
    this.#closed = { reason };
    this.#dropIdle();
    for (const waiting of this.#waiting) waiting.reject(reason);
    this.#waiting.clear();
    for (const wire of this.#busy) wire.kill(reason);
  }

  async #open(signal: AbortSignal): Promise<Taken> {
    this.#opening++;
    try {
      const wire = await this.#route.open(signal);
      if (this.#closed) {
        wire.kill(this.#closed.reason);
        throw this.#closed.reason;
      }
      this.#busy.add(wire);
      return { wire, reused: false };
    } finally {
      this.#opening--;
      this.#serveNext();
    }
  }

  #takeIdle(): Wire | undefined {
    const wire = [...this.#idle.keys()].at(-1);
    if (wire === undefined) return undefined;
    this.#idle.delete(wire);
    this.#unwatchIfDone();
    this.#busy.add(wire);
    wire.wake();
    return wire;
  }

  #wait(signal: AbortSignal): Promise<Taken> {
    return new Promise((resolve, reject) => {
      const onAbort = () => waiting.reject(signal.reason);
      const leave = () => {
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        signal,
        resolve: (taken) => {
          leave();
          resolve(taken);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      signal.addEventListener("abort", onAbort);
      this.#waiting.add(waiting);
    });
  }

  /** Lets who has waited longest have a connection, where one may be opened. */
  #serveNext(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#busy.size + this.#opening >= this.#limit) return;
    this.#waiting.delete(next);
    this.#open(next.signal).then(next.resolve, next.reject);
  }

  #dropIdle(): void {
    for (const wire of [...this.#idle.keys()]) this.#dropOne(wire);
  }

  #dropOne(wire: Wire): void {
    this.#idle.delete(wire);
    this.#unwatchIfDone();
    wire.kill(closed);
  }

  #unwatchIfDone(): void {
    if (this.#idle.size === 0) this.#watchdog.unwatch(this);
  }
}

/** What the connection of an idle or finished request is closed by; nobody is there to see it. */
const closed = new Error("connection closed");

function keepMs(head: ResponseHead): number {
  const seconds = keepAliveSeconds(head);
  return seconds === undefined ? idleMs : Math.min(idleMs, seconds * 1000 - marginMs);
}
