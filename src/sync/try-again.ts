import type { Clock } from "../registry/clock.ts";
import { backoffMs } from "../registry/retry.ts";

/** How often, and how soon, something is tried again after a failure that may pass. */
export interface TryingAgain {
  readonly clock: Pick<Clock, "sleep">;
  /** 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly retries: number;
  /** How long to wait before the nth further attempt, from 1; absent: as long as for a request. */
  readonly retryDelayMs?: (attempt: number) => number;
}

/** Waits before attempt `attempt` + 1, once `tell` was told for how long. Called off, it is over at once, and does not throw. */
export async function waitToTry(
  { clock, random, signal, retryDelayMs }: TryingAgain,
  attempt: number,
  tell: (delayMs: number) => void,
): Promise<void> {
  const delayMs = retryDelayMs?.(attempt) ?? backoffMs(attempt, random);
  tell(delayMs);
  await clock.sleep(delayMs, signal).catch(() => {});
}
