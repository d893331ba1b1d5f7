import type { Jobs } from "../jobs.ts";
import { JobsDatabase } from "./database.ts";
import { EmbeddedLedger } from "./ledger.ts";
import { EmbeddedQueue } from "./queue.ts";

/** How a file of jobs is used. */
export interface EmbeddedJobsOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** After which a worker that was killed has lost its jobs. */
  readonly leaseMs?: number;
  /** How often other processes' changes are looked for while somebody waits for one. */
  readonly pollMs?: number;
  /** How long another process' change of the file is waited for. */
  readonly patienceMs?: number;
}

/**
 * Opens a file of jobs, made where it is not; several processes of one machine may have it open. Both parts, or the whole,
 * are to be closed.
 *
 * @throws {JobError} `job.queue-unreachable`
 */
export async function openEmbeddedJobs<J>(
  file: string,
  options: EmbeddedJobsOptions,
): Promise<Jobs<J>> {
  const { now, leaseMs = 30_000, pollMs = 250, patienceMs = 30_000 } = options;
  const database = await JobsDatabase.open(file, { patienceMs, pollMs });
  const queue = new EmbeddedQueue<J>(database, { now, leaseMs });
  const ledger = new EmbeddedLedger(database, now);
  return {
    queue,
    ledger,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await ledger[Symbol.asyncDispose]();
    },
  };
}
