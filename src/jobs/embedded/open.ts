import { type Jobs, jobsOf } from "../jobs.ts";
import type { QueuedJob } from "../submit-job.ts";
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
 * Opens a file of jobs, made where it is not; several processes of one machine may have it open. The parts, or the whole,
 * are to be closed.
 *
 * @throws {JobError} `job.queue-unreachable`
 */
export async function openEmbeddedJobs<J = QueuedJob>(
  file: string,
  options: EmbeddedJobsOptions,
): Promise<Jobs<J>> {
  const { now, leaseMs = 30_000, pollMs = 250, patienceMs = 30_000 } = options;
  const database = await JobsDatabase.open(file, { patienceMs, pollMs });
  const timing = { now, leaseMs };
  return jobsOf({
    queue: new EmbeddedQueue<J>(database, { name: "jobs", ...timing }),
    webhooks: new EmbeddedQueue<QueuedJob>(database, { name: "webhooks", ...timing }),
    ledger: new EmbeddedLedger(database, now),
  });
}
