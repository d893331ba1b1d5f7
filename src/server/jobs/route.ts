import type { FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Job } from "../../jobs/job.ts";
import { namedMirror } from "../../jobs/job-request.ts";
import { scheduleOwner } from "../../jobs/schedule.ts";
import type { Access } from "../access.ts";
import type { Caller } from "../caller.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import { demandRight } from "../shell/demand-right.ts";
import type { ApiDescription } from "../shell/faces.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { errorAnswer } from "./api-schemas.ts";
import { JobsApiError } from "./errors.ts";

/** One request of the jobs API. */
export interface JobCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly caller: Caller;
}

/** A route, and what the API's description says of it. */
export interface JobRoute {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly api: ApiDescription;
  handle(call: JobCall): unknown;
}

/** Why a route may refuse: those of all, and its own. */
export function refusals(own: Readonly<Record<number, string>> = {}): ApiDescription["answers"] {
  const all = {
    ...{ 401: "Nobody in particular asks", 403: "Not for this caller" },
    ...{ 503: "The queue cannot be reached", ...own },
  };
  return Object.fromEntries(
    Object.entries(all).map(([status, is]) => [status, { is, body: errorAnswer }]),
  );
}

/** Why a route that starts a job may refuse besides. */
export const startRefusals = {
  413: "Too large",
  415: "Not JSON",
  422: "The key made another job before",
} as const;

/** Of a job's owner: whoever is nobody in particular is one of those. */
export function ownerOf({ user }: Caller): string {
  if (user === undefined) return "anonymous";
  // A certificate may give any name, and that of a schedule is the settings' own.
  return user.startsWith(scheduleOwner("")) ? `user:${user}` : user;
}

/** @throws {JobsApiError} as {@link demandRight}: 401 with a challenge, or 403 */
export function demandJobs(access: Access, { caller, raw }: FastifyRequest): void {
  try {
    demandRight(access, caller, "jobs", credentialsOf(raw));
  } catch (error) {
    if (!(error instanceof RegistryAnswerError)) throw error;
    const { status, message, headers } = error;
    if (status === 403) throw new JobsApiError(403, "job.denied", message);
    throw new JobsApiError(401, "job.unauthorized", message, { headers });
  }
}

/** One's own, and those of the mirrors that everybody may run; administrators may see everybody's. */
export function maySee(access: Access, caller: Caller, job: Job): boolean {
  return namedMirror(job.request) !== undefined || mayEnd(access, caller, job);
}

/** One's own; administrators may end everybody's. */
export function mayEnd(access: Access, caller: Caller, { owner }: Job): boolean {
  return owner === ownerOf(caller) || access.allows(caller, "", "admin");
}

/** @throws {JobsApiError} 400 `job.bad-request` that says where */
export function parsed<T extends z.ZodType>(schema: T, value: unknown, what = ""): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new JobsApiError(400, "job.bad-request", issueText(result.error.issues, what));
}

/** Unions say what they expected, and no more: the first issue with a place tells most. */
function issueText(issues: readonly z.core.$ZodIssue[], what: string): string {
  const [issue] = issues;
  if (!issue) return "bad request";
  const where = [what, ...issue.path.map(String)].filter((part) => part !== "").join(".");
  const inner = issue.code === "invalid_union" ? deepest(issue) : undefined;
  if (inner) return issueText([inner], where);
  const message =
    issue.code === "unrecognized_keys"
      ? `unknown member ${issue.keys.map((key) => JSON.stringify(key.slice(0, 100))).join(", ")}`
      : issue.message;
  return `${where === "" ? "" : `${where.slice(0, 200)}: `}${message}`;
}

/** Of the alternatives of a union, the one that understood the value far enough to say more than its type. */
function deepest({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue | undefined {
  const candidates = errors.flatMap(([first]) => (first ? [first] : []));
  return candidates.find(({ path, code }) => path.length > 0 || code === "unrecognized_keys");
}
