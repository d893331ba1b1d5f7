import type { RateLimit } from "../registry/rate-limit.ts";

/**
 * What workers that mirror at once agree on: who moves what, who changes a list, and how much a host is asked. In one
 * process it is a matter of memory; several share it through Redis.
 */
export interface Coordinator extends AsyncDisposable {
  /**
   * Runs `work` while nobody else, in any worker, runs under `key`; waits for its turn. `lost` aborts where the turn
   * could not be kept (the other side of a broken connection may have it now).
   */
  exclusively<T>(
    key: string,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Waits until `amount` may be spent on a host, within what all workers together may. Unlimited kinds return at once. */
  spend(host: string, kind: BudgetKind, amount: number, signal: AbortSignal): Promise<void>;
  /** What a host told of the pulls left, for all workers to heed. */
  heard(host: string, rateLimit: RateLimit): void;
  /** The latest that any worker heard, without waiting for it. */
  known(host: string): RateLimit | undefined;
}

/** "requests" and "bytes" are limited a second. */
export type BudgetKind = "requests" | "bytes";

/** What one host may be asked; absent: as much as its own answers allow. */
export interface HostLimits {
  readonly requestsPerSecond?: number;
  /** Of both directions. */
  readonly bytesPerSecond?: number;
  /** Requests under way at once for each of metadata, downloads and uploads. */
  readonly slots?: number;
  /** Pulls to leave to others: manifest reads wait for more when so many are left. */
  readonly keptPulls?: number;
}
