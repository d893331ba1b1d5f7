import { JobError } from "../../jobs/errors.ts";
import type { JobRequest, JobResult } from "../../jobs/job.ts";
import type { JobEnds } from "./job-ends.ts";
import type { PerformContext, PerformParts } from "./perform.ts";

/** Runs a mirror of the settings. */
export async function performSync(
  _request: JobRequest & { readonly kind: "sync" },
  _parts: PerformParts & { readonly ends: JobEnds },
  _context: PerformContext,
): Promise<JobResult> {
  throw new JobError("job.not-allowed", "mirrors are not run yet");
}
