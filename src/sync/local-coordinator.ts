import { type BlobPlaces, createBlobPlaces } from "../registry/blob-places.ts";
import type { Clock } from "../registry/clock.ts";
import { createHostBudget, type HostBudget, type Rates } from "../registry/host-budget.ts";
import type { Coordinator, HostLimits } from "./coordinator.ts";
import { type EndTurn, LocalTurns } from "./local-turns.ts";

/** What a host may be asked, by its domain. */
export type LimitsOf = (host: string) => HostLimits;

/** For one process that mirrors alone: all is in its memory. */
export function createLocalCoordinator(limitsOf: LimitsOf, clock: Clock): Coordinator {
  return new LocalCoordinator(limitsOf, clock);
}

class LocalCoordinator implements Coordinator {
  readonly reach = "process";
  readonly limitsOf: LimitsOf;
  readonly #clock: Clock;
  readonly #turns: LocalTurns;
  readonly #rates = new Map<string, HostBudget>();
  readonly #budgets = new Map<string, HostBudget>();
  readonly #places = new Map<string, BlobPlaces>();
  readonly #closed = new AbortController();

  constructor(limitsOf: LimitsOf, clock: Clock) {
    this.limitsOf = limitsOf;
    this.#clock = clock;
    this.#turns = new LocalTurns(() => clock.now());
  }

  async exclusively<T>(
    key: string,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    return await this.#during(await this.#turns.take(key, either), work);
  }

  async ifQuiet<T>(
    key: string,
    quietMs: number,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    signal.throwIfAborted();
    const end = this.#turns.takeIfQuiet(key, quietMs);
    return end && { value: await this.#during(end, work) };
  }

  async #during<T>(end: EndTurn, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(this.#closed.signal);
    } finally {
      end();
    }
  }

  free(key: string, signal: AbortSignal): Promise<void> {
    return this.#turns.free(key, AbortSignal.any([signal, this.#closed.signal]));
  }

  now(): number {
    return this.#clock.now();
  }

  budget(host: string, account = ""): HostBudget {
    const spending = kept(this.#rates, host, () => this.#newBudget(this.limitsOf(host)));
    return kept(this.#budgets, `${host}\0${account}`, () => ({
      ...this.#newBudget({}),
      rates: spending.rates,
      spend: spending.spend,
    }));
  }

  #newBudget(rates: Rates): HostBudget {
    return createHostBudget(rates, this.#clock);
  }

  blobPlaces(host: string): BlobPlaces {
    return kept(this.#places, host, createBlobPlaces);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error("the coordinator was closed"));
  }
}

/** What the map has under a key; made where it has nothing. */
export function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}
