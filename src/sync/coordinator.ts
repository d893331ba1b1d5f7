import type { BlobPlaces } from "../registry/blob-places.ts";
import type { HostBudget, Rates } from "../registry/host-budget.ts";

/**
 * What workers that mirror at once agree on: who moves what, who changes a list, and how much a host is asked. In one
 * process it is a matter of memory; several share it through Redis. While that is out of reach, all here wait for it.
 */
export interface Coordinator extends AsyncDisposable {
  /** Who agrees here: this process alone, or all workers. */
  readonly reach: "process" | "workers";
  /**
   * Runs `work` while nobody else, in any worker, runs under `key`; waits for its turn, about in the order of asking.
   * `lost` aborts where the turn could not be kept (the other side of a broken connection may have it now); what `work`
   * does then is its own affair.
   *
   * @throws {unknown} what `work` does, or the signal's reason where its turn did not come before
   */
  exclusively<T>(
    key: string,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /**
   * As {@link exclusively}, but now or not at all: undefined where somebody else has the turn, or had it at any time in
   * the last `quietMs`, or may have had it.
   */
  ifQuiet<T>(
    key: string,
    quietMs: number,
    signal: AbortSignal,
    work: (lost: AbortSignal) => Promise<T>,
  ): Promise<{ readonly value: T } | undefined>;
  /** Waits while anybody has the turn under `key`, and takes none. */
  free(key: string, signal: AbortSignal): Promise<void>;
  /** Of the clock that the workers of this process go by, in milliseconds. */
  now(): number;
  /** As set for the host. */
  limitsOf(host: string): HostLimits;
  /**
   * What all workers together may do at a host. `account` keeps apart who is told of other pulls left: registries count
   * them by user. The same object each time.
   */
  budget(host: string, account?: string): HostBudget;
  /** What any worker knows of a registry. The same object each time. */
  blobPlaces(host: string): BlobPlaces;
}

/** What one host may be asked; absent: as much as its own answers allow. */
export interface HostLimits extends Rates {
  /** Requests under way at once for each of metadata, downloads and uploads; of each worker. */
  readonly slots?: number;
  /** Pulls to leave to others: manifest reads wait for more when so many are left. */
  readonly keptPulls?: number;
}
