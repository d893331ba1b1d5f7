import { unlessAborted } from "./dial.ts";
import { keepAliveSeconds } from "./framing.ts";
import { closed, type IdleConnections } from "./idle-connections.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Route } from "./route.ts";
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

/** The connections of one lane to one origin: a bounded number, used again while they last by whichever lane. */
export class ConnectionPool {
  readonly #route: Route;
  readonly #limit: number;
  readonly #idle: IdleConnections;
  readonly #busy = new Set<Wire>();
  readonly #waiting = new Set<Waiting>();
  #opening = 0;
  #warming: Promise<unknown> | undefined;
  #closed: { readonly reason: unknown } | undefined;

  constructor(route: Route, limit: number, idle: IdleConnections) {
    this.#route = route;
    this.#limit = Math.max(1, limit);
    this.#idle = idle;
  }

  /**
   * A connection of one's own, as soon as there is one. `fresh` asks for one that was never used, and drops the idle
   * ones, of which one has turned out dead. For `onConnect` see {@link HttpRequest}.
   *
   * @throws {HttpError} of phase "connect"
   */
  async take(signal: AbortSignal, fresh: boolean, onConnect?: () => void): Promise<Taken> {
    signal.throwIfAborted();
    if (this.#closed) throw this.#closed.reason;
    if (fresh) this.#idle.dropAll();
    else if (this.#warming) await unlessAborted(this.#warming, signal);
    const idle = this.#idle.take();
    if (idle) {
      this.#busy.add(idle);
      return { wire: idle, reused: true };
    }
    if (this.#busy.size + this.#opening < this.#limit) return await this.#open(signal, onConnect);
    return await this.#wait(signal);
  }

  /** Opens a connection as {@link take} does, for whoever comes next. */
  async contact(signal: AbortSignal, onConnect: () => void): Promise<void> {
    const { wire } = await this.take(signal, false, onConnect);
    this.#giveBack(wire, idleMs);
  }

  /** Begins a connection for whoever comes next. Disposing of it closes one that nobody has taken, and stops the attempt. */
  warm(): Disposable {
    const attempt = new AbortController();
    let wire: Wire | undefined;
    const opening = this.#route.open(attempt.signal).then(
      (opened) => {
        wire = opened;
        if (this.#closed || attempt.signal.aborted) opened.kill(closed);
        else this.#idle.put(opened, idleMs);
      },
      () => {}, // who comes next tries it again, and hears why
    );
    const all = Promise.all([this.#warming, opening]).then(() => {
      if (this.#warming === all) this.#warming = undefined;
    });
    this.#warming = all;
    return {
      [Symbol.dispose]: () => {
        attempt.abort(closed);
        if (wire?.phase === "connect") this.#idle.drop(wire); // never used
      },
    };
  }

  /** Gives a connection back. With the head of the last response it is kept, if it may be. */
  release(wire: Wire, keep: ResponseHead | undefined): void {
    this.#giveBack(wire, keep === undefined ? 0 : keepMs(keep));
  }

  #giveBack(wire: Wire, keptMs: number): void {
    this.#busy.delete(wire);
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
    this.#idle.put(wire, keptMs);
  }

  /** Ends all connections. Who still reads from one gets `reason`. */
  close(reason: unknown): void {
    this.#closed = { reason };
    this.#idle.dropAll();
    for (const waiting of this.#waiting) waiting.reject(reason);
    this.#waiting.clear();
    for (const wire of this.#busy) wire.kill(reason);
  }

  async #open(signal: AbortSignal, onConnect?: () => void): Promise<Taken> {
    this.#opening++;
    try {
      const wire = await this.#route.open(signal, onConnect);
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
}

function keepMs(head: ResponseHead): number {
  const seconds = keepAliveSeconds(head);
  return seconds === undefined ? idleMs : Math.min(idleMs, seconds * 1000 - marginMs);
}
