import type { KnownError } from "../core/errors.ts";
import type { Clock } from "../registry/clock.ts";
import { backoffMs } from "../registry/retry.ts";
import type { Outages, PatientWork } from "./outages.ts";

/** How often, and how soon, something is tried again after a failure that may pass. */
export interface TryingAgain {
  readonly clock: Pick<Clock, "sleep">;
  /** 0 to 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly retries: number;
  /** How long to wait before the nth further attempt, from 1; absent: as long as for a request. */
  readonly retryDelayMs?: (attempt: number) => number;
  /** Absent: nobody else knows what is out of reach. */
  readonly outages?: Outages;
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

/** A failure of work that was tried so many times. */
export interface FailedAttempt {
  readonly error: KnownError;
  /** From 1. */
  readonly tried: number;
  readonly patience: PatientWork | undefined;
}

/**
 * Whether the work is to be done once more; waits for as long as it takes before. Called off, it is not.
 *
 * @param tell given how long is waited
 */
export async function isTriedAgain(
  { error, tried, patience }: FailedAttempt,
  parts: TryingAgain,
  tell: (delayMs: number) => void,
): Promise<boolean> {
  const { signal, retries } = parts;
  if (signal.aborted || !error.retryable || tried > retries) return false;
  const next = patience ? await patience.next(error, signal).catch(() => "give-up") : "wait";
  if (next === "wait") await waitToTry(parts, tried, tell);
  return next !== "give-up";
}
