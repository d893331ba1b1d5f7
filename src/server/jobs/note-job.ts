import type { Job, JobRequest } from "../../jobs/job.ts";
import { namedMirror } from "../../jobs/job-request.ts";
import type { AuditEvent } from "../audit.ts";
import type { JobsApiParts } from "./parts.ts";
import type { JobCall } from "./route.ts";

/** Writes down who started or cancelled a job, and what it is about. */
export function noteJob(
  { audit }: Pick<JobsApiParts, "audit">,
  { caller: { user, address } }: Pick<JobCall, "caller">,
  type: AuditEvent["type"] & `job-${string}`,
  { id, request }: Job,
): void {
  audit?.note({
    type,
    job: id,
    address,
    detail: aboutJob(request),
    ...(user !== undefined && { user }),
  });
}

/** A job's work in one line, for the audit log: `copy docker://a/b:1 to docker://c/d:1`. */
export function aboutJob(request: JobRequest): string {
  switch (request.kind) {
    case "copy":
      return `copy ${request.from.image} to ${request.to.image}`;
    case "sync":
      return `sync ${namedMirror(request) ?? "by a specification of its own"}`;
    case "sign":
      return `sign ${request.image.image} with ${request.key}`;
    case "verify":
      return `verify ${request.image.image}`;
  }
}
