import type { Changes } from "./changes.ts";
import { JobError } from "./errors.ts";
import type { Lease } from "./queue.ts";

/** How long a queue that could not be reached is not asked again. */
const outageMs = 500;

/**
 * Leases until `signal` aborts.
 *
 * @param look gives a lease, or for how many milliseconds there will be none unless something changes
 */
export async function* leasesAsTheyCome<J>(
  changes: Changes,
  look: () => Promise<Lease<J> | number>,
  signal: AbortSignal,
): AsyncGenerator<Lease<J>> {
  while (!signal.aborted) {
    const { mark } = changes;
    const next = await look().catch(waitOut);
    if (typeof next === "number") await changes.since(mark, next, signal);
    else if (signal.aborted) await next[Symbol.asyncDispose]();
    else yield next;
  }
}

function waitOut(error: unknown): number {
  if (error instanceof JobError) return outageMs;
  throw error;
}
