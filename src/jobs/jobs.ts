import type { JobLedger } from "./ledger.ts";
import type { JobQueue } from "./queue.ts";
import type { QueuedJob } from "./submit-job.ts";

/** A queue and the ledger beside it, kept in one place; disposed of, all of it is closed. */
export interface Jobs<J = QueuedJob> extends AsyncDisposable {
  readonly queue: JobQueue<J>;
  readonly ledger: JobLedger;
  /** Jobs whose end is to be told to somebody; a job's id is its key. */
  readonly webhooks: JobQueue<QueuedJob>;
}

/** Jobs that are closed by closing each part. */
export function jobsOf<J>(parts: Omit<Jobs<J>, typeof Symbol.asyncDispose>): Jobs<J> {
  return {
    ...parts,
    async [Symbol.asyncDispose]() {
      await parts.queue[Symbol.asyncDispose]();
      await parts.webhooks[Symbol.asyncDispose]();
      await parts.ledger[Symbol.asyncDispose]();
    },
  };
}
