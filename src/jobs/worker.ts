import type { Backoff } from "./backoff.ts";
import type { Job, JobFailure, JobResult, JobState } from "./job.ts";
import { JobRun } from "./job-run.ts";
import type { Jobs } from "./jobs.ts";
import { keepReconciled } from "./reconcile.ts";

/** What happens at a worker, for its log. */
export type WorkerEvent =
  | { readonly type: "job-began"; readonly id: string; readonly attempt: number }
  | { readonly type: "job-ended"; readonly id: string; readonly state: JobState }
  | {
      readonly type: "job-again";
      readonly id: string;
      readonly notBefore: number;
      readonly failure: JobFailure;
    }
  /** "lost": somebody else may have it now; "stopped": it was given back. */
  | { readonly type: "job-left"; readonly id: string; readonly why: "lost" | "stopped" }
  /** A job that neither queue nor worker knew any more is queued again. */
  | { readonly type: "job-mended"; readonly id: string }
  /** Something that is tried again by itself. */
  | { readonly type: "trouble"; readonly error: unknown }
  /** An attempt threw what nobody foresaw. */
  | { readonly type: "bug"; readonly id: string; readonly error: unknown };

/** What is known of an attempt while it is made. */
export interface PerformContext {
  /** Ends the attempt: the worker stops, the lease is lost, or somebody has cancelled the job. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
}

/** What an attempt comes to that failed and yet has something to show. */
export interface PartialResult {
  readonly result: JobResult;
  readonly failure: JobFailure;
  readonly retryable: boolean;
}

/** Does a job; what it throws is classified by failure.ts. */
export type Perform = (job: Job, context: PerformContext) => Promise<JobResult | PartialResult>;

/** What a worker works with. */
export interface WorkerParts extends Pick<Jobs, "queue" | "ledger" | "webhooks"> {
  readonly perform: Perform;
  /** Jobs at once. */
  readonly slots: number;
  /** Attempts that a job has in all. */
  readonly attempts: number;
  readonly backoff?: Backoff;
  /** Aborts when the worker is to stop: what runs is aborted, and given back when it has ended. */
  readonly signal: AbortSignal;
  /** Aborts when the worker is to take no more jobs: it ends when those that it has have ended. */
  readonly leaving?: AbortSignal;
  /** Must neither throw nor wait. */
  readonly report: (event: WorkerEvent) => void;
  readonly now: () => number;
  readonly random: () => number;
  /** How often it is looked whether a job was cancelled. */
  readonly cancelLookMs?: number;
  /** How often queue and ledger are compared. */
  readonly reconcileMs?: number;
}

/**
 * Does jobs until it is told to stop. A queue or ledger that is out of reach is waited for; what is under way goes on as long
 * as its lease is good.
 */
export async function runWorker(parts: WorkerParts): Promise<void> {
  const { queue, slots, leaving, reconcileMs = 60_000 } = parts;
  const signal = leaving ? AbortSignal.any([parts.signal, leaving]) : parts.signal;
  const reconciling = keepReconciled({ ...parts, signal }, reconcileMs);
  const running = new Set<Promise<void>>();
  for await (const lease of queue.leases({ signal })) {
    const work = new JobRun(parts, lease)
      .run()
      .catch((error) => parts.report({ type: "bug", id: lease.job.id, error }))
      .finally(() => running.delete(work));
    running.add(work);
    while (running.size >= slots) await Promise.race(running);
  }
  await Promise.all(running);
  await reconciling;
}
