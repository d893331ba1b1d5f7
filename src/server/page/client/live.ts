import type { Job } from "../../../jobs/job.ts";
import type { JobEvent } from "../../../jobs/ledger.ts";

/** Ends a stream. */
export type Stop = () => void;

/** A job's story as it happens; the browser comes again by itself where the connection breaks. */
export function followJob(id: string, told: (event: JobEvent & { at: number }) => void): Stop {
  const source = new EventSource(`/api/v1/jobs/${id}/events`);
  for (const type of ["state", "image", "blob", "message"]) {
    source.addEventListener(type, (event) => told(JSON.parse(event.data)));
  }
  return () => source.close();
}

/** Every job's changes; `lost` and `back` tell of the connection. */
export function followJobs(told: (job: Job) => void, state: (connected: boolean) => void): Stop {
  const source = new EventSource("/api/v1/jobs/events");
  source.addEventListener("job", (event) => told(JSON.parse(event.data)));
  source.addEventListener("open", () => state(true));
  source.addEventListener("error", () => state(false));
  return () => source.close();
}
