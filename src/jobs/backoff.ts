/** How long is waited before another attempt. */
export interface Backoff {
  /** Before the second attempt; doubled before each one after it. */
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * Milliseconds to wait after an attempt, from 1, that failed. At least half of the time is always waited; the rest is chance,
 * so that what failed together does not come back together.
 *
 * @param random from 0 to 1
 */
export function retryDelayMs(attempt: number, backoff: Backoff, random: () => number): number {
  const most = Math.min(backoff.mostMs, backoff.firstMs * 2 ** (attempt - 1));
  return Math.round((most / 2) * (1 + random()));
}
