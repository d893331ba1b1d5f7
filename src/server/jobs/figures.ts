import type { Job, JobProgress } from "../../jobs/job.ts";
import { hasEnded } from "../../jobs/job-rules.ts";
import type { JobQueue } from "../../jobs/queue.ts";
import type { Watched } from "../metrics/metrics.ts";
import type { Report } from "../server-event.ts";

/** Figures of jobs: how many wait and run, how they ended, what they moved. */
export interface JobFigures {
  /** Takes note of a job's change. */
  note(job: Job): void;
  readonly gauges: Readonly<Record<string, Watched>>;
}

const nothing: JobProgress = {
  images: { found: 0, ended: 0, failed: 0 },
  bytes: { moved: 0, spared: 0 },
};
/** Jobs whose last progress is remembered, to tell what it adds. */
const most = 10_000;

/** Begins at nought; the queue is asked when somebody looks. */
export function createJobFigures(queue: JobQueue<unknown>, report: Report): JobFigures {
  const seen = new Map<string, JobProgress>();
  return {
    note(job) {
      const before = seen.get(job.id) ?? nothing;
      const now = job.progress ?? before;
      report({
        type: "jobs",
        kind: job.request.kind,
        images: Math.max(0, now.images.ended - before.images.ended),
        bytesMoved: Math.max(0, now.bytes.moved - before.bytes.moved),
        bytesSpared: Math.max(0, now.bytes.spared - before.bytes.spared),
        ...(hasEnded(job.state) && { ended: job.state }),
      });
      seen.delete(job.id);
      if (!hasEnded(job.state)) seen.set(job.id, now);
      const [oldest] = seen.keys();
      if (seen.size > most && oldest !== undefined) seen.delete(oldest);
    },
    gauges: {
      jobs_waiting: size(queue, "waiting", "Jobs that wait for a worker"),
      jobs_delayed: size(queue, "delayed", "Jobs that wait for their time"),
      jobs_running: size(queue, "running", "Jobs that run"),
    },
  };
}

function size(
  queue: JobQueue<unknown>,
  name: "waiting" | "delayed" | "running",
  help: string,
): Watched {
  return { help, read: async () => (await queue.size())[name] };
}
