import type { Job, JobRequest } from "../../jobs/job.ts";
import { asJobRequest, type ParsedJobRequest } from "../../jobs/job-request.ts";
import { hasEnded } from "../../jobs/job-rules.ts";
import { scheduleOwner } from "../../jobs/schedule.ts";
import { cancelJob, submitJob } from "../../jobs/submit-job.ts";
import * as schemas from "./api-schemas.ts";
import { JobsApiError } from "./errors.ts";
import { listSeen } from "./list-seen.ts";
import { noteJob } from "./note-job.ts";
import { type JobsApiParts, presentJob } from "./parts.ts";
import {
  type JobCall,
  type JobRoute,
  mayEnd,
  maySee,
  ownerOf,
  parsed,
  refusals,
  startRefusals,
} from "./route.ts";

const jobsUrl = "/api/v1/jobs";
const jobUrl = `${jobsUrl}/:id`;
const longestWaitMs = 366 * 86_400_000;

/** To start, list, show, cancel and retry. */
export function jobRoutes(parts: JobsApiParts): readonly JobRoute[] {
  return [
    startRoute(parts),
    listRoute(parts),
    showRoute(parts),
    cancelRoute(parts),
    retryRoute(parts),
  ];
}

function startRoute(parts: JobsApiParts): JobRoute {
  return {
    method: "POST",
    url: jobsUrl,
    api: {
      summary:
        "Starts a job: copy, sync, sign or verify. The same Idempotency-Key again gives the job that it made",
      headers: schemas.startHeaders,
      body: schemas.newJobSchema,
      answers: {
        200: { is: "The job that the key made before", body: schemas.jobAnswer },
        202: { is: "The job, at Location", body: schemas.jobAnswer },
        ...refusals({ 400: "Not a job", ...startRefusals }),
      },
    },
    async handle(call) {
      const { webhook, notBefore, ...asked } = parsed(
        schemas.newJobSchema,
        call.request.body ?? {},
      );
      const request = asJobRequest(asked as ParsedJobRequest);
      if (webhook !== undefined) parts.named().rules.checkWebhook(webhook);
      return await startJob(parts, call, request, {
        ...(webhook !== undefined && { webhook }),
        ...(notBefore !== undefined && { notBefore: sensible(notBefore, parts.now()) }),
      });
    },
  };
}

function listRoute({ ledger, access }: JobsApiParts): JobRoute {
  return {
    method: "GET",
    url: jobsUrl,
    api: {
      summary:
        "Jobs, newest first: one's own and the runs of the settings' mirrors, everybody's for administrators",
      query: schemas.jobsQuery,
      answers: {
        200: { is: "Jobs", body: schemas.jobsAnswer },
        ...refusals({ 400: "Not understood" }),
      },
    },
    async handle({ request, caller }) {
      const { state, owner, limit, kind, before } = parsed(schemas.jobsQuery, request.query);
      const isAdmin = access.allows(caller, "", "admin");
      const own = ownerOf(caller);
      if (!isAdmin && owner !== undefined && owner !== own && !owner.startsWith(scheduleOwner("")))
        throw new JobsApiError(403, "job.denied", "only administrators see the jobs of others");
      const query = {
        limit: limit + 1,
        ...(state !== undefined && { states: state }),
        ...(kind !== undefined && { kind }),
        ...(owner !== undefined && { owner }),
        ...(before !== undefined && { before }),
      };
      const found =
        isAdmin || owner !== undefined
          ? await ledger.list(query)
          : await listSeen(ledger, own, query);
      const page = found.slice(0, limit);
      const next = found.length > limit ? page.at(-1)?.id : undefined;
      const jobs = page.filter((job) => maySee(access, caller, job)).map(presentJob);
      return { jobs, ...(next !== undefined && { next }) };
    },
  };
}

function showRoute(parts: JobsApiParts): JobRoute {
  return {
    method: "GET",
    url: jobUrl,
    api: {
      summary: "A job",
      params: schemas.jobParams,
      answers: {
        200: { is: "The job", body: schemas.jobAnswer },
        ...refusals({ 404: "There is none, or not for you" }),
      },
    },
    handle: async (call) => ({ job: presentJob(await findJob(parts, call)) }),
  };
}

function cancelRoute(parts: JobsApiParts): JobRoute {
  return {
    method: "DELETE",
    url: jobUrl,
    api: {
      summary: "Cancels a job: one that waits ends at once, one that runs soon",
      params: schemas.jobParams,
      answers: {
        202: { is: "The job", body: schemas.jobAnswer },
        ...refusals({ 404: "There is none, or not for you", 409: "It has ended" }),
      },
    },
    async handle(call) {
      const found = await findJob(parts, call);
      if (!mayEnd(parts.access, call.caller, found))
        throw new JobsApiError(403, "job.denied", "only its owner and administrators may end it");
      const job = await cancelJob(parts, found.id);
      if (!job) throw new JobsApiError(409, "job.has-ended", "the job has ended");
      noteJob(parts, call, "job-cancelled", job);
      call.reply.code(202);
      return { job: presentJob(job) };
    },
  };
}

function retryRoute(parts: JobsApiParts): JobRoute {
  return {
    method: "POST",
    url: `${jobUrl}/retry`,
    api: {
      summary: "Starts a job once more that has ended, as a new one",
      params: schemas.jobParams,
      headers: schemas.startHeaders,
      answers: {
        202: { is: "The new job, at Location", body: schemas.jobAnswer },
        200: { is: "The job that the Idempotency-Key made before", body: schemas.jobAnswer },
        ...refusals({
          ...{ 400: "Not understood", 404: "There is none, or not for you" },
          ...{ 409: "It has not ended", ...startRefusals },
        }),
      },
    },
    async handle(call) {
      const job = await findJob(parts, call);
      if (!hasEnded(job.state)) {
        throw new JobsApiError(409, "job.has-not-ended", "the job has not ended", {
          hint: "Cancel it first",
        });
      }
      if (job.webhook !== undefined) parts.named().rules.checkWebhook(job.webhook);
      return await startJob(parts, call, job.request, {
        retryOf: job.id,
        ...(job.webhook !== undefined && { webhook: job.webhook }),
      });
    },
  };
}

/**
 * Answers 202 with a new job, or 200 with the one that the request's `Idempotency-Key` made.
 *
 * @throws {JobsApiError} 422 where the key made a job that does something else
 * @throws {JobError} `job.not-allowed`, `job.queue-unreachable`
 */
export async function startJob(
  parts: JobsApiParts,
  call: JobCall,
  request: JobRequest,
  besides: { readonly webhook?: string; readonly notBefore?: number; readonly retryOf?: string },
): Promise<{ readonly job: Job }> {
  const owner = ownerOf(call.caller);
  const key = keyOf(call);
  await parts.named().rules.check(request, owner);
  const { job, isNew } = await submitJob(parts, {
    request,
    owner,
    ...besides,
    ...(key !== undefined && { idempotencyKey: key }),
  });
  if (isNew) noteJob(parts, call, "job-started", job);
  else if (!isSame(job, request, besides)) throw usedOtherwise(job);
  call.reply.code(isNew ? 202 : 200).header("Location", `${jobsUrl}/${job.id}`);
  return { job: presentJob(job) };
}

/**
 * The job of the request's path, where the caller may see it.
 *
 * @throws {JobsApiError} 404 where there is none, and where it is not for the caller
 */
export async function findJob(
  { ledger, access }: JobsApiParts,
  { request, caller }: JobCall,
): Promise<Job> {
  const { id } = parsed(schemas.jobParams, request.params);
  const job = await ledger.get(id);
  if (job && maySee(access, caller, job)) return job;
  throw new JobsApiError(404, "job.not-found", "there is no such job");
}

function keyOf({ request }: JobCall): string | undefined {
  const header = request.headers["idempotency-key"];
  return header === undefined
    ? undefined
    : parsed(schemas.idempotencyKey, header, "Idempotency-Key");
}

function isSame(
  job: Job,
  request: JobRequest,
  {
    webhook,
    notBefore,
    retryOf,
  }: { readonly webhook?: string; readonly notBefore?: number; readonly retryOf?: string },
): boolean {
  const asked = { request, webhook, retryOf };
  const made = { request: job.request, webhook: job.webhook, retryOf: job.retryOf };
  // Once it has begun nobody knows any more when it was to begin.
  const isAhead = job.state === "delayed" && job.attempts === 0;
  return canonical(asked) === canonical(made) && (!isAhead || notBefore === job.notBefore);
}

/** JSON whose members are in order: a ledger may keep them in another. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function usedOtherwise({ id }: Job): JobsApiError {
  return new JobsApiError(
    422,
    "job.key-used-otherwise",
    `this Idempotency-Key made ${id}, which is another job`,
    {
      hint: "Send a new key with each new job",
    },
  );
}

function sensible(notBefore: number, now: number): number {
  if (notBefore <= now + longestWaitMs) return notBefore;
  throw new JobsApiError(400, "job.bad-request", "notBefore: expected a time within a year");
}
