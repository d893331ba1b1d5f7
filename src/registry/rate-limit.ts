/** What a registry tells of the requests left — `RateLimit-*` of Docker Hub, `X-RateLimit-*` of others. */
export interface RateLimit {
  readonly remaining: number;
  readonly limit?: number;
  /** Length of the window, where told. */
  readonly windowSeconds?: number;
  /** When the count starts anew, in milliseconds since the epoch, where told. */
  readonly resetsAt?: number;
}

/** The rate limit told in an answer's headers. */
export function readRateLimit(
  header: (name: string) => string | undefined,
  now: number,
): RateLimit | undefined {
  const told = header("ratelimit-remaining") ?? header("x-ratelimit-remaining");
  const remaining = told === undefined ? undefined : parseAmount(told);
  if (!remaining) return undefined;
  const limit = parseAmount(header("ratelimit-limit") ?? header("x-ratelimit-limit"));
  const windowSeconds = remaining.window ?? limit?.window;
  const resetsAt = parseReset(header("ratelimit-reset"), header("x-ratelimit-reset"), now);
  return {
    remaining: remaining.count,
    ...(limit && { limit: limit.count }),
    ...(windowSeconds !== undefined && { windowSeconds }),
    ...(resetsAt !== undefined && { resetsAt }),
  };
}

/** `100;w=21600` */
function parseAmount(text: string | undefined): { count: number; window?: number } | undefined {
  const match = /^\s*(\d{1,12})\s*(?:;(.*))?$/.exec(text ?? "");
  if (!match) return undefined;
  const window = /\bw\s*=\s*(\d{1,9})/.exec(match[2] ?? "")?.[1];
  return { count: Number(match[1]), ...(window !== undefined && { window: Number(window) }) };
}

/** Seconds from now (RFC draft), or an epoch in seconds (GitHub's form). */
function parseReset(
  draft: string | undefined,
  vendor: string | undefined,
  now: number,
): number | undefined {
  const text = draft ?? vendor ?? "";
  if (!/^\d{1,12}$/.test(text.trim())) return undefined;
  const seconds = Number(text);
  return seconds > 1_000_000_000 ? seconds * 1000 : now + seconds * 1000;
}

/** How long to wait before a pull, so that `kept` are left after it; in a sliding window, until one comes back. */
export function pullWaitMs(rateLimit: RateLimit | undefined, kept: number, now: number): number {
  if (!rateLimit || kept === 0 || rateLimit.remaining > kept) return 0;
  if (rateLimit.resetsAt !== undefined) return Math.max(0, rateLimit.resetsAt - now);
  return ((rateLimit.windowSeconds ?? 60) * 1000) / Math.max(1, rateLimit.limit ?? 1);
}
