import { KnownError } from "../../core/errors.ts";
import type { FindingParts } from "../ends.ts";
import { isTriedAgain } from "../try-again.ts";

/**
 * What `work` gives, which is done again after a failure that may pass; undefined where it failed in a way that was
 * foreseen, which is reported.
 */
export async function attempt<T>(
  rule: string,
  what: string,
  parts: FindingParts,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const { report, signal, retries: of } = parts;
  using patience = parts.outages?.begin();
  for (let tried = 1; ; tried++) {
    try {
      const value = await work();
      patience?.ended();
      return value;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KnownError)) throw error;
      const { code, message, retryable } = error;
      const again = await isTriedAgain({ error, tried, patience }, parts, (delayMs) =>
        report({ type: "listing-retrying", rule, what, attempt: tried, of, delayMs, message }),
      );
      signal.throwIfAborted();
      if (again) continue;
      patience?.ended(error);
      report({ type: "listing-failed", rule, what, code, message, retryable });
      return undefined;
    }
  }
}
