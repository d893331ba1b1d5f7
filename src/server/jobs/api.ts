import type { FastifyInstance } from "fastify";
import { callerOf, type Face } from "../shell/faces.ts";
import { refuseCrossSite, refuseForeignName } from "./cross-site.ts";
import { asJobsApiError } from "./errors.ts";
import { eventRoutes } from "./event-routes.ts";
import { EventStreams } from "./event-stream.ts";
import { jobRoutes } from "./job-routes.ts";
import { takeJsonOnly } from "./json-body.ts";
import { mirrorRoutes } from "./mirror-routes.ts";
import type { JobsApiParts } from "./parts.ts";
import { demandJobs, type JobRoute } from "./route.ts";

const longestMessage = 16 * 1024;

/**
 * Starts, shows and ends jobs: `/api/v1/jobs`, `/api/v1/mirrors`, `/api/v1/schedules`. The right `jobs` is needed, and gives
 * one's own jobs; administrators have everybody's. Failures are `{"error": {"code", "message", "hint"}}`.
 */
export function jobsApi(parts: JobsApiParts): Face {
  return (app) => {
    takeJsonOnly(app);
    app.setErrorHandler((error, _request, reply) => {
      const { status, code, message, hint, headers } = asJobsApiError(error);
      if (status >= 500)
        parts.report({
          type: "message",
          level: "error",
          text: "a request about jobs failed",
          error,
        });
      return reply
        .code(status)
        .headers({ ...headers })
        .type("application/json")
        .send({ error: { code, message: told(message), ...(hint !== undefined && { hint }) } });
    });
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
