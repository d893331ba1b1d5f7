import type { Redis } from "ioredis";
import type { BlobPlaces } from "../../registry/blob-places.ts";
import type { Clock } from "../../registry/clock.ts";
import { type BudgetKind, createHostBudget, type HostBudget } from "../../registry/host-budget.ts";
import type { Coordinator, HostLimits } from "../../sync/coordinator.ts";
import { kept, type LimitsOf } from "../../sync/local-coordinator.ts";
import { LocalTurns } from "../../sync/local-turns.ts";
import { Connection } from "./shared/connection.ts";
import { createSharedPlaces } from "./shared/places.ts";
import { SharedPulls } from "./shared/pulls.ts";
import { SharedRate } from "./shared/rate.ts";
import { type HeldTurn, SharedTurns } from "./shared/turns.ts";

/** What a coordinator over Redis is made with. */
export interface RedisCoordinatorOptions {
  readonly limitsOf: LimitsOf;
  readonly clock: Clock;
  /** Unlike any other worker's. */
  readonly worker: string;
  /** Before all keys and channels: `amphora:` */
  readonly prefix?: string;
  /** How long the turn of a worker that died stays taken; 15 s. */
  readonly leaseMs?: number;
}

/**
 * For several workers, which may be on several machines: turns are leases, rates go by the server's clock. `redis` tells
 * where it is and how to log in; the coordinator has connections of its own.
 *
 * Nobody else has a turn before its lease ends, as long as Redis keeps what it was told: one that loses its data, or is
 * replaced by another that has not got them yet, may give a turn twice.
 */
export function createRedisCoordinator(
  redis: Redis,
  options: RedisCoordinatorOptions,
): Coordinator {
  return new RedisCoordinator(redis, options);
}

class RedisCoordinator implements Coordinator {
  readonly reach = "workers";
  readonly limitsOf: LimitsOf;
  readonly #worker: string;
  readonly #connection: Connection;
  readonly #ownTurns: LocalTurns;
  readonly #turns: SharedTurns;
  readonly #rates = new Map<string, SharedRate>();
  readonly #budgets = new Map<string, HostBudget>();
  readonly #places = new Map<string, BlobPlaces>();

  constructor(redis: Redis, options: RedisCoordinatorOptions) {
    const { clock, worker, limitsOf, prefix = "amphora:", leaseMs = 15_000 } = options;
    this.limitsOf = limitsOf;
    this.#worker = worker;
    this.#connection = new Connection(redis, clock, prefix);
    this.#ownTurns = new LocalTurns(() => clock.now());
    this.#turns = new SharedTurns(this.#connection, leaseMs, worker);
  }

  async exclusively<T>(
    key: string,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const either = AbortSignal.any([signal, this.#connection.closed]);
    const end = await this.#ownTurns.take(key, either);
    try {
      return await during(await this.#turns.take(key, either), work);
    } finally {
      end();
    }
  }

  async ifQuiet<T>(
    key: string,
    quietMs: number,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    signal.throwIfAborted();
    const end = this.#ownTurns.takeIfQuiet(key, quietMs);
    if (!end) return undefined;
    try {
      const turn = await this.#turns.takeIfQuiet(key, quietMs, signal);
      return turn && { value: await during(turn, work) };
    } finally {
      end();
    }
  }

  async free(key: string, signal: AbortSignal): Promise<void> {
    await this.#ownTurns.free(key, AbortSignal.any([signal, this.#connection.closed]));
    await this.#turns.free(key, signal);
  }

  now(): number {
    return this.#connection.clock.now();
  }

  budget(host: string, account = ""): HostBudget {
    return kept(this.#budgets, `${host}\0${account}`, () => this.#newBudget(host, account));
  }

  #newBudget(host: string, account: string): HostBudget {
    const limits = this.limitsOf(host);
    const { clock } = this.#connection;
    const pulls =
      limits.keptPulls === undefined
        ? createHostBudget({}, clock)
        : new SharedPulls(this.#connection, `${host} ${account}`, this.#worker);
    return {
      rates: limits,
      spend: async (kind, amount, signal) => {
        await this.#rate(host, kind, limits)?.spend(amount, signal);
      },
      heard: (rateLimit) => pulls.heard(rateLimit),
      known: () => pulls.known(),
    };
  }

  #rate(host: string, kind: BudgetKind, limits: HostLimits): SharedRate | undefined {
    const perSecond = kind === "requests" ? limits.requestsPerSecond : limits.bytesPerSecond;
    if (perSecond === undefined) return undefined;
    const key = `${kind} ${host}`;
    return kept(this.#rates, key, () => new SharedRate(this.#connection, key, perSecond));
  }

  blobPlaces(host: string): BlobPlaces {
    return kept(this.#places, host, () => createSharedPlaces(this.#connection, host));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection[Symbol.asyncDispose]();
  }
}

async function during<T>(turn: HeldTurn, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await work(turn.lost);
  } finally {
    turn.end();
  }
}
