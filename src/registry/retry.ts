const retryableStatuses: ReadonlySet<number> = new Set([
  408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524,
]);

/** Whether the same request may succeed later — `specs/registry.md` 4.4. */
export function isRetryableStatus(status: number): boolean {
  return retryableStatuses.has(status);
}

/** Whether a status asks the client to slow down. */
export function isSlowDown(status: number): boolean {
  return status === 429 || status === 503;
}

/** Milliseconds to wait before try `attempt` + 1: up to `firstMs`, doubled each time, at most a minute; full jitter. */
export function backoffMs(attempt: number, random: () => number, firstMs = 1000): number {
  return Math.round(Math.min(60_000, firstMs * 2 ** (attempt - 1)) * random());
}

/** The wait that a `Retry-After` asks for, in milliseconds: seconds or an HTTP date. Undefined where it says neither. */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/[a-z]{3}/i.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
