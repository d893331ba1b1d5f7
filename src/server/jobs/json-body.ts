import type { FastifyInstance } from "fastify";
import { KnownError } from "../../core/errors.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";
import { JobsApiError } from "./errors.ts";

/** Of a body: a specification of a mirror is no longer. */
export const maxBodyBytes = 256 * 1024;
const maxDepth = 32;

/**
 * Takes bodies of JSON alone, strictly: every member once, nothing deeper than people write. What browsers can send
 * without asking first (forms, text) is refused by its type.
 */
export function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    "application/json",
    { parseAs: "buffer", bodyLimit: maxBodyBytes },
    (request, body, done) => {
      if (request.headers["content-encoding"] !== undefined)
        return done(
          new JobsApiError(415, "job.bad-media-type", "expected a body without Content-Encoding"),
        );
      if (body.length === 0) return done(null, undefined); // a type for a body that is not there: many clients
      try {
        done(null, plain(parseStrictJson(body, { maxDepth })));
      } catch (error) {
        done(error instanceof KnownError ? badJson(error) : (error as Error));
      }
    },
  );
}

function badJson({ message }: KnownError): JobsApiError {
  return new JobsApiError(
    400,
    "job.bad-request",
    `the body is not JSON as it has to be: ${message}`,
  );
}

function plain(value: JsonValue): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
