import { KnownError } from "../../core/errors.ts";
import type { FindingParts } from "../ends.ts";

/** What `work` gives; undefined where it failed in a way that was foreseen, which is reported. */
export async function attempt<T>(
  rule: string,
  what: string,
  { report, signal }: FindingParts,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof KnownError)) throw error;
    const { code, message } = error;
    report({ type: "listing-failed", rule, what, code, message });
    return undefined;
  }
}
