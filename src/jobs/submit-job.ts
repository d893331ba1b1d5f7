import { JobError } from "./errors.ts";
import type { Job, JobRequest } from "./job.ts";
import { createJobId } from "./job-id.ts";
import type { JobLedger } from "./ledger.ts";
import type { JobQueue } from "./queue.ts";

/** What the queue hands out: the ledger has the rest. */
export interface QueuedJob {
  readonly id: string;
}

/** Where jobs are put. */
export interface JobDesk {
  readonly ledger: JobLedger;
  readonly queue: JobQueue<QueuedJob>;
  /** Where the ends of jobs with a webhook are queued; absent: nobody is told of what was cancelled while it waited. */
  readonly webhooks?: JobQueue<QueuedJob>;
  readonly now: () => number;
}

/** A job that somebody wants. */
export interface JobOrder {
  readonly request: JobRequest;
  readonly owner: string;
  readonly webhook?: string;
  /** Milliseconds since the epoch. */
  readonly notBefore?: number;
  readonly retryOf?: string;
  /** Of this owner: the same again gives the job that is there. */
  readonly idempotencyKey?: string;
}

/**
 * Writes a job down and queues it. One that is there already is queued once more where nobody has begun it: whoever wrote it
 * down may have been killed before he did.
 *
 * @throws {JobError} `job.queue-unreachable`; it was not begun then, or will be once the queue is back
 */
export async function submitJob(
  desk: JobDesk,
  order: JobOrder,
): Promise<{ readonly job: Job; readonly isNew: boolean }> {
  const { idempotencyKey, request, owner, webhook, notBefore, retryOf } = order;
  const now = desk.now();
  const isLater = notBefore !== undefined && notBefore > now;
  const wanted: Job = {
    id: createJobId(now),
    request,
    owner,
    state: isLater ? "delayed" : "waiting",
    createdAt: now,
    attempts: 0,
    cancelRequested: false,
    ...(isLater && { notBefore }),
    ...(webhook !== undefined && { webhook }),
    ...(retryOf !== undefined && { retryOf }),
  };
  const made = await desk.ledger.create(wanted, {
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
  await enqueue(desk, made.job);
  return made;
}

/**
 * Ends a job that waits, and asks a running one to end.
 *
 * @returns the job as it is then; undefined where it has ended
 */
export async function cancelJob(desk: JobDesk, id: string): Promise<Job | undefined> {
  const marked = await desk.ledger.change(id, { cancelRequested: true });
  if (!marked) return undefined;
  if ((await desk.queue.remove(id)) === "running") return marked;
  // First, and told of a job that has ended only: so nobody is forgotten where this process is killed between the two.
  if (marked.webhook !== undefined) await desk.webhooks?.add(id, { id });
  const cancelled = { state: "cancelled", endedAt: desk.now() } as const;
  const from = ["waiting", "delayed"] as const;
  return (await desk.ledger.change(id, cancelled, { from })) ?? marked;
}

async function enqueue({ queue, ledger, now }: JobDesk, job: Job): Promise<void> {
  if (job.state !== "waiting" && job.state !== "delayed") return;
  const { id, notBefore } = job;
  const later = notBefore === undefined ? {} : { notBefore: new Date(notBefore) };
  try {
    await queue.add(id, { id }, later);
  } catch (error) {
    // Whoever asked is told that it failed, and may ask again: then this one must not be done as well.
    const given = { state: "cancelled", endedAt: now() } as const;
    await ledger.change(id, given, { from: ["waiting", "delayed"] }).catch(() => {});
    throw error instanceof JobError
      ? error
      : new JobError("job.queue-unreachable", "The queue does not take the job", { cause: error });
  }
}
