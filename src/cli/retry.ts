import { setTimeout as wait } from "node:timers/promises";
import { KnownError } from "../core/errors.ts";
import type { Log } from "./log.ts";
import type { EndSettings } from "./settings.ts";

/**
 * Does `work`, and does it again up to `--retry-times` when it fails in a way that may pass. Requests are retried by
 * themselves as well; this is skopeo's way of starting all over.
 */
export async function withRetries<T>(
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
  { retryTimes, retryDelayMs }: Pick<EndSettings, "retryTimes" | "retryDelayMs">,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= retryTimes || !mayPass(error)) throw error;
      signal.throwIfAborted();
      const delayMs = retryDelayMs || 1000 * 2 ** attempt;
      const left = `${attempt + 1}/${retryTimes}`;
      const text = error instanceof Error ? error.message : String(error);
      log.warning(`Failed, retrying in ${formatDelay(delayMs)} ... (${left}). Error: ${text}`);
      await wait(delayMs * (1 + Math.random() / 10), undefined, { signal });
    }
  }
}

/** Whether the failure, or what it came from, says that the same may succeed later. */
function mayPass(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof KnownError && at.retryable) return true;
  return false;
}

/** As Go prints a duration: `500ms`, `1.5s`, `1m0s`. */
export function formatDelay(ms: number): string {
  if (ms < 1000) return ms === 0 ? "0s" : `${Number(ms.toFixed(6))}ms`;
  const seconds = Number(((ms % 60_000) / 1000).toFixed(9));
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return `${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}s` : `${hours}h${minutes % 60}m${seconds}s`;
}
