import type { FastifyInstance, FastifyReply } from "fastify";
import { callerOf, type Face } from "../shell/faces.ts";
import { noteMethods } from "../shell/known-methods.ts";
import { refuseCrossSite, refuseForeignName } from "./cross-site.ts";
import { asJobsApiError, JobsApiError } from "./errors.ts";
import { eventRoutes } from "./event-routes.ts";
import { EventStreams } from "./event-stream.ts";
import { jobRoutes } from "./job-routes.ts";
import { takeJsonOnly } from "./json-body.ts";
import { mirrorRoutes } from "./mirror-routes.ts";
import type { JobsApiParts } from "./parts.ts";
import { demandJobs, type JobRoute } from "./route.ts";

const longestMessage = 16 * 1024;
const prefixes = ["/api/v1/jobs", "/api/v1/mirrors", "/api/v1/schedules"];

/**
 * Starts, shows and ends jobs: `/api/v1/jobs`, `/api/v1/mirrors`, `/api/v1/schedules`. The right `jobs` is needed, and gives
 * one's own jobs; administrators have everybody's. Failures are `{"error": {"code", "message", "hint"}}`.
 */
export function jobsApi(parts: JobsApiParts): Face {
  return (app) => {
    takeJsonOnly(app);
    app.setErrorHandler((error, _request, reply) => {
      const failure = asJobsApiError(error);
      if (failure.status >= 500)
        parts.report({
          type: "message",
          level: "error",
          text: "a request about jobs failed",
          error,
        });
      return answerWith(failure, reply);
    });
    refuseOthers(app);
    const streams = new EventStreams(parts);
    for (const route of [
      ...jobRoutes(parts),
      ...eventRoutes(parts, streams),
      ...mirrorRoutes(parts),
    ]) {
      addRoute(app, parts, route);
    }
  };
}

function answerWith(
  { status, code, message, hint, headers }: JobsApiError,
  reply: FastifyReply,
): FastifyReply {
  return reply
    .code(status)
    .headers({ ...headers })
    .type("application/json")
    .send({ error: { code, message: told(message), ...(hint !== undefined && { hint }) } });
}

/** What is asked for below the paths of jobs, and is no route that is added from now on. */
function refuseOthers(app: FastifyInstance): void {
  const methodsOf = noteMethods(app);
  for (const prefix of prefixes) {
    app.register(
      async (below) => {
        below.setNotFoundHandler(({ url }, reply) => answerWith(notTaken(methodsOf(url)), reply));
      },
      { prefix },
    );
  }
}

function notTaken(methods: readonly string[]): JobsApiError {
  if (methods.length === 0) return new JobsApiError(404, "job.not-found", "no such path");
  return new JobsApiError(405, "job.bad-method", "this path takes other methods", {
    headers: { Allow: methods.join(", ") },
  });
}

/** Messages give back what they are about, which may be all of a body. */
function told(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage)}…`;
}

/** Who asks is looked at before anything of a body is read. */
function addRoute(app: FastifyInstance, parts: JobsApiParts, route: JobRoute): void {
  const { method, url, api, handle } = route;
  app.route({
    method,
    url,
    exposeHeadRoute: !url.endsWith("/events"), // which would go on and on, with nothing to send
    config: { operation: "jobs", api, right: "jobs" },
    onRequest: async (request) => {
      refuseCrossSite(request.method, request.headers);
      demandJobs(parts.access, request);
      refuseForeignName(callerOf(request), request.headers, parts.isOwnName);
    },
    handler: async (request, reply) => await handle({ request, reply, caller: callerOf(request) }),
  });
}
