import type { Job, JobState } from "./job.ts";
import type { ChangeCondition, JobChange } from "./ledger.ts";

const ended: ReadonlySet<JobState> = new Set(["done", "failed", "refused", "cancelled"]);

/** Whether a job in this state stays as it is. */
export function hasEnded(state: JobState): boolean {
  return ended.has(state);
}

/** The states of jobs that are still to be done. */
export const openStates = ["waiting", "delayed", "running"] as const satisfies readonly JobState[];

/** Whether it ended because the queue did not take it: nobody asked for that, and nobody has begun it. */
export function wasNotTaken({ state, cancelRequested }: Job): boolean {
  return state === "cancelled" && !cancelRequested;
}

/** A job with a change made to it at `now`; undefined where its state does not allow it. */
export function changedJob(
  job: Job,
  change: JobChange,
  { from, attempts, now }: ChangeCondition & { readonly now: number },
): Job | undefined {
  if (hasEnded(job.state) || from?.includes(job.state) === false) return undefined;
  if (attempts !== undefined && attempts !== job.attempts) return undefined;
  const end = hasEnded(change.state ?? job.state) && { endedAt: now };
  const members = Object.entries({ ...job, ...end, ...change });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined)) as unknown as Job;
}
