import type { Clock } from "./clock.ts";
import { Rate } from "./rate.ts";
import type { RateLimit } from "./rate-limit.ts";

/** What is limited a second. Bytes are those of blobs, of both directions. */
export type BudgetKind = "requests" | "bytes";

/** How much a second; absent: as much as goes. */
export interface Rates {
  /** More than 0. */
  readonly requestsPerSecond?: number;
  /** More than 0. */
  readonly bytesPerSecond?: number;
}

/** What all who talk to one host may do together. */
export interface HostBudget {
  /** What is limited at all: nothing else is ever asked for. */
  readonly rates: Rates;
  /** Waits until so much may be done, and fails only with the signal's reason. */
  spend(kind: BudgetKind, amount: number, signal: AbortSignal): Promise<void>;
  /** What the host told of the pulls left. */
  heard(rateLimit: RateLimit): void;
  /** What the host last told anybody: the same object until it tells more. */
  known(): RateLimit | undefined;
}

/** A budget for those in this process. */
export function createHostBudget(rates: Rates, clock: Clock): HostBudget {
  const { requestsPerSecond, bytesPerSecond } = rates;
  const spending: Readonly<Record<BudgetKind, Rate | undefined>> = {
    requests: requestsPerSecond === undefined ? undefined : new Rate(requestsPerSecond, clock),
    bytes: bytesPerSecond === undefined ? undefined : new Rate(bytesPerSecond, clock),
  };
  let told: RateLimit | undefined;
  return {
    rates,
    async spend(kind, amount, signal) {
      await spending[kind]?.spend(amount, signal);
    },
    heard(rateLimit) {
      told = rateLimit;
    },
    known: () => told,
  };
}
