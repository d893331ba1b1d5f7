import type { FastifyInstance, FastifyRequest } from "fastify";
import { answerFailure } from "../shell/answer-failure.ts";
import { answerTo, type FaceParts } from "./face.ts";

/** Makes a scope of fastify one of a face: bodies are handed on as they come, and failures answered as registries do. */
export function prepareFace(scope: FastifyInstance, { report }: Pick<FaceParts, "report">): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _body, done) => done(null));
  scope.setErrorHandler(async (error, request, reply) => {
    const answer = answerTo(error, isRead(request));
    if (!answer) throw error;
    if (answer.status === 503)
      report?.({ type: "message", level: "warn", text: answer.message, error });
    reply.header("cache-control", "no-store");
    return answerFailure(answer, reply);
  });
}

function isRead({ method }: FastifyRequest): boolean {
  return method === "GET" || method === "HEAD";
}

/** The path of a request as it came, and its query. */
export function splitUrl({ raw }: FastifyRequest): { path: string; query: URLSearchParams } {
  const url = raw.url ?? "/";
  const mark = url.indexOf("?");
  if (mark < 0) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}
