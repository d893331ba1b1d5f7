import { KnownError } from "../../core/errors.ts";
import type { Job, JobFailure, JobResult } from "../../jobs/job.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import type { Lease } from "../../jobs/queue.ts";
import type { QueuedJob } from "../../jobs/submit-job.ts";
import { isRefusal } from "./image-failure.ts";

/** How a worker works. */
export interface WorkParts extends Pick<Jobs<QueuedJob>, "queue" | "ledger"> {
  readonly slots: number;
  readonly attempts: number;
  /** Aborts when the worker is to end: what it does then goes back to the queue. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly perform: (job: Job, signal: AbortSignal) => Promise<JobResult>;
}

/** Takes jobs from the queue and does them, so many at once, until told to end. */
export async function work(parts: WorkParts): Promise<void> {
  const lane = async () => {
    for await (const lease of parts.queue.leases({ signal: parts.signal })) {
      await using held = lease;
      await doJob(held, parts);
    }
  };
  await Promise.all(Array.from({ length: parts.slots }, lane));
}

async function doJob(lease: Lease<QueuedJob>, parts: WorkParts): Promise<void> {
  const { ledger, now, signal } = parts;
  const { id } = lease.job;
  const job = await ledger.change(id, {
    state: "running",
    startedAt: now(),
    attempts: lease.attempt,
  });
  if (!job) return await lease.done();
  const cancelled = new AbortController();
  const over = new AbortController();
  void watchForCancel(id, parts, cancelled, over.signal);
  try {
    const called = AbortSignal.any([signal, lease.lost, cancelled.signal]);
    const result = await parts.perform(job, called);
    await ledger.change(id, { state: "done", endedAt: now(), result, failure: undefined });
  } catch (error) {
    if (signal.aborted || lease.lost.aborted) {
      await ledger.change(id, { state: "waiting" });
      return;
    }
    if (await failed(job, error, cancelled.signal.aborted, lease, parts)) return;
  } finally {
    over.abort();
  }
  await lease.done();
}

/** Whether it is to be tried again. */
async function failed(
  { id }: Job,
  error: unknown,
  isCancelled: boolean,
  lease: Lease<QueuedJob>,
  { ledger, now, attempts }: WorkParts,
): Promise<boolean> {
  const failure = failureOf(error);
  if (isCancelled) {
    await ledger.change(id, { state: "cancelled", endedAt: now() });
  } else if (error instanceof KnownError && error.retryable && lease.attempt < attempts) {
    const notBefore = now() + 1000 * 2 ** lease.attempt;
    await ledger.change(id, { state: "delayed", failure, notBefore });
    await lease.again({ notBefore: new Date(notBefore) });
    return true;
  } else {
    const state = isRefusal(error) ? "refused" : "failed";
    await ledger.change(id, { state, failure, endedAt: now() });
  }
  return false;
}

async function watchForCancel(
  id: string,
  { ledger }: WorkParts,
  cancelled: AbortController,
  signal: AbortSignal,
): Promise<void> {
  if ((await ledger.get(id))?.cancelRequested) return cancelled.abort();
  for await (const job of ledger.watchAll({ signal }))
    if (job.id === id && job.cancelRequested) return cancelled.abort();
}

function failureOf(error: unknown): JobFailure {
  if (!(error instanceof KnownError)) return { code: "internal", message: "internal error" };
  const { code, message, hint } = error;
  return { code, message, ...(hint !== undefined && { hint }) };
}
