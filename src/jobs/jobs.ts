import type { JobLedger } from "./ledger.ts";
import type { JobQueue } from "./queue.ts";

/** A queue and the ledger beside it, kept in one place; disposed of, both are closed. */
export interface Jobs<J> extends AsyncDisposable {
  readonly queue: JobQueue<J>;
  readonly ledger: JobLedger;
}
