/** Time as the registry room sees it; passed in, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Ends after `ms`, or throws the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
