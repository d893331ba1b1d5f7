import type { Job, JobRequest, JobResult } from "../../jobs/job.ts";
import type { JobDesk } from "../../jobs/submit-job.ts";
import type { PartialResult } from "../../jobs/worker.ts";
import type { AllowedHosts } from "../../server/jobs/allowed-hosts.ts";
import type { NamedDocuments } from "../../server/jobs/mirrors.ts";
import type { JobRules } from "../../server/jobs/parts.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { Coordinator } from "../../sync/coordinator.ts";
import { type JobEndsParts, openJobEnds } from "./job-ends.ts";
import type { JobGate } from "./job-gate.ts";
import type { JobStory } from "./job-story.ts";
import { performCopyJob } from "./perform-copy.ts";
import { performSign } from "./perform-sign.ts";
import { performSync } from "./perform-sync.ts";
import { performVerify } from "./perform-verify.ts";

/** What jobs are done with: the server's settings and its parts. */
export interface PerformParts extends JobEndsParts {
  readonly settings: ServerSettings;
  readonly rules: JobRules;
  readonly hosts: AllowedHosts;
  readonly gate: JobGate;
  readonly mirrors: NamedDocuments;
  readonly coordinator: Coordinator;
}

/** One job, as it is done. */
export interface PerformContext {
  readonly id: Job["id"];
  readonly owner: Job["owner"];
  readonly signal: AbortSignal;
  readonly story: JobStory;
  /** Where parts of a mirror are put for other workers; absent: there are none. */
  readonly handedOn?: JobDesk;
}

/**
 * Does what a job asks for. The rules are asked again: settings may be others than when it was started.
 *
 * @throws {KnownError} why it was not done; `retryable` where it may be the next time
 */
export async function perform(
  request: JobRequest,
  parts: PerformParts,
  context: PerformContext,
): Promise<JobResult | PartialResult> {
  await parts.rules.check(request, context.owner);
  await parts.watching.blocks.renew();
  await using ends = await openJobEnds(parts);
  switch (request.kind) {
    case "copy":
      return await performCopyJob(request, { ...parts, ends }, context);
    case "sync":
      return await performSync(request, { ...parts, ends }, context);
    case "sign":
      return await performSign(request, { ...parts, ends }, context);
    case "verify":
      return await performVerify(request, { ...parts, ends }, context);
  }
}
