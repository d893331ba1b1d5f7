import type { Clock } from "../../../registry/clock.ts";
import { JobError } from "../../errors.ts";
import type { Connection } from "./connection.ts";
import { endTurn, keepTurn, takeQuietTurn, takeTurn } from "./scripts.ts";

/** Longest wait before a turn is asked for again: whoever was to wake us may be dead, or not have reached us. */
const pollMs = 1000;
const deafPollMs = 100;
/** Who waits and has not asked for so long is passed over. */
const patienceMs = 5 * pollMs;

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
  readonly #bells = new Map<string, () => void>();
  #count = 0;

  constructor(connection: Connection, leaseMs: number, worker: string) {
    this.#connection = connection;
    this.#leaseMs = leaseMs;
    this.#worker = worker;
    this.#channel = `${connection.prefix}turns`;
    connection.listen(this.#channel, (key) => this.#bells.get(key)?.());
  }

  /** Waits for the turn. Who gives up leaves the line. */
  async take(key: string, signal: AbortSignal): Promise<HeldTurn> {
    const token = this.#newToken();
    const { holder, line, present, had } = this.#keys(key);
    const args = [token, this.#leaseMs, patienceMs];
    try {
      for (;;) {
        const bell = this.#bell(key);
        const lease = new Lease(this.#connection.clock, this.#leaseMs);
        const waitMs = await this.#run(takeTurn, [holder, line, present, had], args, signal).catch(
          (error: unknown) => {
            lease.stop();
            throw error;
          },
        );
        if (waitMs < 0) return this.#hold(key, token, lease);
        lease.stop();
        const { clock, listening } = this.#connection;
        const longest = listening ? pollMs : deafPollMs;
        await bell.within(Math.min(waitMs + 1, longest), clock, signal);
      }
    } catch (error) {
      this.#end(key, token);
      throw error;
    } finally {
      this.#bells.delete(key);
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
    const lease = new Lease(this.#connection.clock, this.#leaseMs);
    const args = [token, this.#leaseMs, Math.ceil(quietMs)];
    try {
      const taken = await this.#run(takeQuietTurn, [holder, line, had], args, signal);
      if (taken === 1) return this.#hold(key, token, lease);
    } catch (error) {
      lease.stop();
      this.#end(key, token); // it may be had by now
      throw error;
    }
    lease.stop();
    return undefined;
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

  #bell(key: string): Bell {
    const bell = new Bell();
    this.#bells.set(key, bell.ring);
    return bell;
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

/** Wakes one who waits. */
class Bell {
  readonly #rung = Promise.withResolvers<void>();

  readonly ring = (): void => this.#rung.resolve();

  /** Until it rings, for at most so long. */
  async within(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const sleep = clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    try {
      await Promise.race([this.#rung.promise, sleep]);
    } finally {
      woken.abort();
      sleep.catch(() => {});
    }
  }
}
