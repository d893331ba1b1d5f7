import type { FastifyReply } from "fastify";
import { RegistryAnswerError } from "../v2/answer-error.ts";

/** Answers with the errors' JSON of registries, which `/api/v1` has too — OCI distribution-spec § Error Codes. */
export function answerFailure(error: unknown, reply: FastifyReply): FastifyReply {
  const { status, code, message, headers, detail } = asAnswer(error);
  return reply
    .code(status)
    .headers({ ...headers })
    .type("application/json")
    .send(JSON.stringify({ errors: [{ code, message, ...(detail !== undefined && { detail }) }] }));
}

/** What a client is told of a failure; of one that nobody foresaw, no more than that. */
export function asAnswer(error: unknown): RegistryAnswerError {
  if (error instanceof RegistryAnswerError) return error;
  const status = statusOf(error);
  if (status === undefined || status >= 500)
    return new RegistryAnswerError("UNKNOWN", "internal error", { status: 500, cause: error });
  const message = error instanceof Error ? error.message : "bad request";
  return new RegistryAnswerError(status === 404 ? "NAME_UNKNOWN" : "UNSUPPORTED", message, {
    status,
  });
}

/** Fastify's own failures (no JSON, too large) carry theirs. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}
