import { KnownError } from "../../core/errors.ts";
import type { FindingParts } from "../ends.ts";
import { waitToTry } from "../try-again.ts";

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
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KnownError)) throw error;
      const { code, message, retryable } = error;
      if (!retryable || tried > of) {
        report({ type: "listing-failed", rule, what, code, message, retryable });
        return undefined;
      }
      await waitToTry(parts, tried, (delayMs) =>
        report({ type: "listing-retrying", rule, what, attempt: tried, of, delayMs, message }),
      );
      signal.throwIfAborted();
    }
  }
}
