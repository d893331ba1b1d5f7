import type { Clock } from "../../../registry/clock.ts";
import { JobError } from "../../errors.ts";
import type { Connection } from "./connection.ts";
import { endTurn, giveBackTurn, keepTurn, takeQuietTurn, takeTurn, turnLeft } from "./scripts.ts";

/** Longest wait before a turn is asked for again: whoever was to wake us may be dead, or not have reached us. */
const pollMs = 1000;
const deafPollMs = 100;
/** Who waits and has not asked for so long is passed over. */
const patienceMs = 5 * pollMs;

/** What {@link takeQuietTurn} says of a turn that nobody is known to have had. */
const neverHad = -2;

/** A turn that is had until it is ended; `lost` aborts where it could not be kept. */
export interface HeldTurn {
  readonly lost: AbortSignal;
  readonly end: () => void;
}

/**
 * One turn at a time for each key among all workers; within one worker only one may ask for a key at a time. A turn is a
 * lease of the server's, renewed as long as it is had: that of a worker that died ends by itself.
 */
export class SharedTurns {
  readonly #connection: Connection;
  readonly #leaseMs: number;
  /** Tells this worker's turns from all others'. */
  readonly #worker: string;
  readonly #channel: string;
  readonly #bells = new Bells();
  #count = 0;

  constructor(connection: Connection, leaseMs: number, worker: string) {
    this.#connection = connection;
    this.#leaseMs = leaseMs;
    this.#worker = worker;
    this.#channel = `${connection.prefix}turns`;
    connection.listen(this.#channel, (key) => this.#bells.ring(key));
  }

  /** Waits for the turn. Who gives up leaves the line. */
  async take(key: string, signal: AbortSignal): Promise<HeldTurn> {
    const token = this.#newToken();
    const { holder, line, present, had } = this.#keys(key);
    const args = [token, this.#leaseMs, patienceMs];
    try {
      for (;;) {
        using bell = this.#bells.hang(key);
        const lease = new Lease(this.#connection.clock, this.#leaseMs);
        const waitMs = await this.#run(takeTurn, [holder, line, present, had], args, signal).catch(
          (error: unknown) => {
            lease.stop();
            throw error;
          },
        );
        if (waitMs < 0) return this.#hold(key, token, lease);
        lease.stop();
        await this.#wait(bell.rung, waitMs, signal);
      }
    } catch (error) {
      this.#end(key, token);
      throw error;
    }
  }

  /** Waits while anybody has the turn. */
  async free(key: string, signal: AbortSignal): Promise<void> {
    const { holder } = this.#keys(key);
    for (;;) {
      using bell = this.#bells.hang(key);
      const waitMs = await this.#run(turnLeft, [holder], [], signal);
      if (waitMs < 0) return;
      await this.#wait(bell.rung, waitMs, signal);
    }
  }

  async #wait(rung: Promise<void>, waitMs: number, signal: AbortSignal): Promise<void> {
    const { clock, listening } = this.#connection;
    const woken = new AbortController();
    const ms = Math.min(waitMs + 1, listening ? pollMs : deafPollMs);
    const sleep = clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    try {
      await Promise.race([rung, sleep]);
    } finally {
      woken.abort();
      sleep.catch(() => {});
    }
  }

  /** Undefined where somebody has the turn, or may have had it in the last `quietMs`. */
  async takeIfQuiet(
    key: string,
    quietMs: number,
    signal: AbortSignal,
  ): Promise<HeldTurn | undefined> {
    const token = this.#newToken();
    const { holder, line, had } = this.#keys(key);
    const { clock } = this.#connection;
    const lease = new Lease(clock, this.#leaseMs);
    const args = [token, this.#leaseMs, Math.ceil(quietMs)];
    const asked = clock.now();
    try {
      const before = await this.#run(takeQuietTurn, [holder, line, had], args, signal);
      // The server counts from when it was reached: who ended on the way there, or back, may have had it meanwhile.
      const quietUs = (quietMs + clock.now() - asked) * 1000;
      if (before === neverHad || before > quietUs) return this.#hold(key, token, lease);
      if (before >= 0) this.#giveBack(key, token, before);
    } catch (error) {
      lease.stop();
      this.#end(key, token); // it may be had by now
      throw error;
    }
    lease.stop();
    return undefined;
  }

  #giveBack(key: string, token: string, beforeUs: number): void {
    const { holder, had } = this.#keys(key);
    const args = [token, beforeUs, this.#channel, key];
    this.#connection.post(giveBackTurn, [holder, had], args);
  }

  #newToken(): string {
    this.#count++;
    return `${this.#worker}:${this.#count}`;
  }

  #keys(key: string) {
    const subject = `${this.#connection.prefix}turn:{${key}}`;
    return {
      holder: subject,
      line: `${subject}:line`,
      present: `${subject}:present`,
      had: `${subject}:had`,
    };
  }

  async #run(
    script: string,
    keys: readonly string[],
    args: readonly (string | number)[],
    signal?: AbortSignal,
  ): Promise<number> {
    return Number(await this.#connection.run(script, keys, args, signal));
  }

  #hold(key: string, token: string, lease: Lease): HeldTurn {
    const lost = new AbortController();
    const ended = new AbortController();
    this.#keep(key, token, lease, ended.signal).catch((error: unknown) => {
      if (!ended.signal.aborted) lost.abort(error);
    });
    return {
      lost: lost.signal,
      end: () => {
        ended.abort();
        this.#end(key, token);
      },
    };
  }

  /** Renews the lease again and again; throws when that did not work in time, or the turn is ended. */
  async #keep(key: string, token: string, first: Lease, ended: AbortSignal): Promise<never> {
    const { holder, had } = this.#keys(key);
    let lease = first;
    try {
      for (;;) {
        const { clock } = this.#connection;
        await clock.sleep(this.#leaseMs / 3, AbortSignal.any([ended, lease.over]));
        const before = lease;
        lease = new Lease(clock, this.#leaseMs);
        const inTime = AbortSignal.any([ended, before.over]);
        const kept = await this.#run(keepTurn, [holder, had], [token, this.#leaseMs], inTime);
        before.stop();
        if (kept !== 1) throw lostTurn();
      }
    } finally {
      lease.stop();
    }
  }

  #end(key: string, token: string): void {
    const { holder, line, present, had } = this.#keys(key);
    this.#connection.post(endTurn, [holder, line, present, had], [token, this.#channel, key]);
  }
}

function lostTurn(): JobError {
  return new JobError(
    "job.lease-lost",
    "a turn could not be kept: Redis did not renew it in time",
    {
      retryable: true,
    },
  );
}

/** How long a lease lasts at least, by our own time: it begins before it is asked for. */
class Lease {
  /** Aborts when it is over. */
  readonly over: AbortSignal;
  readonly #stop = new AbortController();

  constructor(clock: Clock, ms: number) {
    const over = new AbortController();
    this.over = over.signal;
    clock.sleep(ms, this.#stop.signal).then(
      () => over.abort(lostTurn()),
      () => {}, // stopped
    );
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** One who waits for a key to be told of. */
interface Bell extends Disposable {
  readonly rung: Promise<void>;
}

/** Wakes those who wait for a key. */
class Bells {
  readonly #hung = new Map<string, Set<() => void>>();

  /** Rings the next time that the key is told of, if it hangs yet. */
  hang(key: string): Bell {
    const { promise, resolve } = Promise.withResolvers<void>();
    const bells = this.#hung.get(key) ?? new Set();
    this.#hung.set(key, bells.add(resolve));
    return {
      rung: promise,
      [Symbol.dispose]: () => {
        bells.delete(resolve);
        if (bells.size === 0) this.#hung.delete(key);
      },
    };
  }

  ring(key: string): void {
    for (const ring of this.#hung.get(key) ?? []) ring();
  }
}
