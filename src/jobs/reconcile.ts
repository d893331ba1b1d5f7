import { setTimeout as pause } from "node:timers/promises";
import type { Job } from "./job.ts";
import { hasEnded, openStates } from "./job-rules.ts";
import type { WorkerParts } from "./worker.ts";

type Parts = Pick<WorkerParts, "queue" | "ledger" | "webhooks" | "report" | "signal">;

/** So many at once: what they promise is synced for all of them. */
const page = 50;

/**
 * Has every job that has not ended in the queue. What a crash left between the two: a job written down and not queued; one
 * taken out to be cancelled, and not written down as such.
 *
 * @throws {JobError} `job.queue-unreachable`
 */
export async function reconcileJobs(parts: Parts): Promise<void> {
  for (let before: string | undefined; ; ) {
    const query = { states: openStates, limit: page, ...(before !== undefined && { before }) };
    const jobs = await parts.ledger.list(query);
    await Promise.all(jobs.map((job) => mend(parts, job)));
    if (jobs.length < page || parts.signal.aborted) return;
    before = jobs.at(-1)?.id;
  }
}

async function mend({ queue, ledger, webhooks, report }: Parts, job: Job): Promise<void> {
  const { id, notBefore, cancelRequested } = job;
  if (cancelRequested) {
    if ((await queue.remove(id)) === "running") return;
    if (job.webhook !== undefined) await webhooks.add(id, { id });
    await ledger.change(id, { state: "cancelled" });
    return;
  }
  const later = notBefore === undefined ? {} : { notBefore: new Date(notBefore) };
  if ((await queue.add(id, { id }, later)) === "already-there") return;
  const state = notBefore === undefined ? "waiting" : "delayed";
  const mended = await ledger.change(id, { state }, { attempts: job.attempts });
  if (mended) report({ type: "job-mended", id });
  else if (hasEnded((await ledger.get(id))?.state ?? "done")) await queue.remove(id); // it has ended since it was listed
}

/** Reconciles at once and every so often, until the worker stops. Never rejects. */
export async function keepReconciled(parts: Parts, everyMs: number): Promise<void> {
  const { signal, report } = parts;
  while (!signal.aborted) {
    try {
      await reconcileJobs(parts);
    } catch (error) {
      report({ type: "trouble", error });
    }
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}
