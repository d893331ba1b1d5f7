import type { FastifyRequest } from "fastify";
import type { Job } from "../../jobs/job.ts";
import { hasEnded } from "../../jobs/job-rules.ts";
import * as schemas from "./api-schemas.ts";
import { JobsApiError } from "./errors.ts";
import type { EventStreams, SentEvent } from "./event-stream.ts";
import { findJob } from "./job-routes.ts";
import { latestOfEach } from "./latest-of-each.ts";
import { type JobsApiParts, presentJob } from "./parts.ts";
import { type JobCall, type JobRoute, maySee, ownerOf, refusals } from "./route.ts";

/** The most jobs whose changes wait for one who is slow to take them. */
const mostWaiting = 1000;

/** Streams of events: of one job, and of all. */
export function eventRoutes(parts: JobsApiParts, streams: EventStreams): readonly JobRoute[] {
  const { ledger, access } = parts;
  return [
    {
      method: "GET",
      url: "/api/v1/jobs/events",
      api: {
        summary:
          "Changes of jobs as they happen (text/event-stream): events of type job, whose data is the job. List the jobs once this is open",
        answers: {
          200: { is: "Events, until the client goes" },
          ...refusals({ 429: "Too many streams" }),
        },
      },
      handle({ reply, caller }: JobCall) {
        return streams.open(reply, ownerOf(caller), async function* (signal) {
          const changes = latestOfEach(
            ledger.watchAll({ signal }),
            ({ id }: Job) => id,
            mostWaiting,
          );
          for await (const job of changes)
            if (maySee(access, caller, job)) yield { type: "job", data: presentJob(job) };
        });
      },
    },
    {
      method: "GET",
      url: "/api/v1/jobs/:id/events",
      api: {
        summary:
          "What happens in a job (text/event-stream): events of type state, image, blob and message. Last-Event-ID goes on behind that one; 204 where nothing more will come",
        params: schemas.jobParams,
        headers: schemas.eventHeaders,
        answers: {
          200: { is: "Events, until the job has ended" },
          204: { is: "All has been told" },
          ...refusals({
            ...{ 400: "Not understood", 404: "There is none, or not for you" },
            429: "Too many streams",
          }),
        },
      },
      async handle(call) {
        const { request, reply, caller } = call;
        const after = lastEventId(request);
        const job = await findJob(parts, call);
        const watch = (signal: AbortSignal) => ledger.watch(job.id, after, { signal });
        if (hasEnded(job.state) && after > 0 && !(await hasAny(watch)))
          return reply.code(204).send();
        return streams.open(reply, ownerOf(caller), async function* (signal) {
          for await (const { number, at, event } of watch(signal)) {
            const sent: SentEvent = {
              id: String(number),
              type: event.type,
              data: { ...event, at },
            };
            yield sent;
          }
        });
      },
    },
  ];
}

/** Of a job that has ended: browsers come again until they are told that nothing more comes. */
async function hasAny(watch: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<boolean> {
  const enough = new AbortController();
  try {
    for await (const _ of watch(enough.signal)) return true;
    return false;
  } finally {
    enough.abort();
  }
}

function lastEventId({ headers }: FastifyRequest): number {
  const text = headers["last-event-id"];
  if (text === undefined || text === "") return 0;
  if (typeof text === "string" && /^\d{1,15}$/.test(text)) return Number(text);
  throw new JobsApiError(400, "job.bad-request", "Last-Event-ID: expected the id of an event");
}
