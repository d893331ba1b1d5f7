import { namedMirror } from "../../jobs/job-request.ts";
import * as schemas from "./api-schemas.ts";
import { JobsApiError } from "./errors.ts";
import { startJob } from "./job-routes.ts";
import { type JobsApiParts, type KnownSchedule, presentJob } from "./parts.ts";
import { type JobRoute, maySee, parsed, refusals, startRefusals } from "./route.ts";

/** Of so many last syncs the mirrors' own are looked for. */
const looked = 500;

/** What the settings name: mirrors, to be run by whoever may have jobs, and schedules. */
export function mirrorRoutes(parts: JobsApiParts): readonly JobRoute[] {
  return [listMirrors(parts), runMirror(parts), listSchedules(parts)];
}

function listMirrors({ named, ledger, access }: JobsApiParts): JobRoute {
  return {
    method: "GET",
    url: "/api/v1/mirrors",
    api: {
      summary:
        "The mirrors of the settings, with their next run and their last job where one may see it",
      answers: { 200: { is: "Mirrors", body: schemas.mirrorsAnswer }, ...refusals() },
    },
    async handle({ caller }) {
      const { mirrors, schedules } = named();
      const jobs = mirrors.length === 0 ? [] : await ledger.list({ kind: "sync", limit: looked });
      return {
        mirrors: mirrors.map(({ name, rules }) => {
          const schedule = schedules.find(({ request }) => namedMirror(request) === name);
          const last = jobs.find(({ request }) => namedMirror(request) === name);
          return {
            name,
            rules,
            ...(schedule && whenOf(schedule)),
            ...(last && maySee(access, caller, last) && { lastJob: presentJob(last) }),
          };
        }),
      };
    },
  };
}

function runMirror(parts: JobsApiParts): JobRoute {
  return {
    method: "POST",
    url: "/api/v1/mirrors/:name/run",
    api: {
      summary: "Runs a mirror of the settings now",
      params: schemas.mirrorParams,
      headers: schemas.startHeaders,
      body: schemas.runMirrorSchema,
      answers: {
        202: { is: "The job, at Location", body: schemas.jobAnswer },
        200: { is: "The job that the Idempotency-Key made before", body: schemas.jobAnswer },
        ...refusals({ 400: "Not understood", 404: "There is no such mirror", ...startRefusals }),
      },
    },
    async handle(call) {
      const { name } = parsed(schemas.mirrorParams, call.request.params);
      const { dryRun } = parsed(schemas.runMirrorSchema, call.request.body ?? {});
      if (!parts.named().mirrors.some((mirror) => mirror.name === name))
        throw new JobsApiError(404, "job.not-found", "there is no such mirror");
      return await startJob(parts, call, { kind: "sync", mirror: name, dryRun }, {});
    },
  };
}

function listSchedules({ named }: JobsApiParts): JobRoute {
  return {
    method: "GET",
    url: "/api/v1/schedules",
    api: {
      summary: "What is started by the clock",
      answers: { 200: { is: "Schedules", body: schemas.schedulesAnswer }, ...refusals() },
    },
    handle: () => ({
      schedules: named().schedules.map((schedule) => {
        const { schedule: cron, ...when } = whenOf(schedule);
        return { name: schedule.name, cron, ...when, request: schedule.request };
      }),
    }),
  };
}

function whenOf({ cron, timeZone, nextRun }: KnownSchedule) {
  const next = nextRun();
  return {
    schedule: cron,
    ...(timeZone !== undefined && { timeZone }),
    ...(next !== undefined && { nextRun: next }),
  };
}
