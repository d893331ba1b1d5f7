import type { FastifyInstance, FastifyRequest } from "fastify";
import type { SignaturesFace } from "./events.ts";
import { answerTo, type FaceParts } from "./face.ts";

/**
 * Makes a plugin's scope of fastify one of a face: bodies are handed on as they come, failures are answered as registries
 * do, and every answer is told of.
 */
export function prepareFace(
  scope: FastifyInstance,
  face: SignaturesFace,
  { report = () => {} }: FaceParts,
): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _body, done) => done(null));
  scope.setErrorHandler(async (error, request, reply) => {
    const { code, message, status, headers, detail } = answerTo(error, isRead(request));
    const body = { errors: [{ code, message, ...(detail !== undefined && { detail }) }] };
    return await reply
      .code(status)
      .headers({ "cache-control": "no-store", ...headers })
      .send(body);
  });
  scope.addHook("onResponse", async ({ method }, { statusCode: status }) =>
    report({ type: "signatures-served", face, method, status }),
  );
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
