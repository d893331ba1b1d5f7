import { createServer, type RequestListener } from "node:http";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { Access } from "../access.ts";
import type { Caller } from "../caller.ts";
import type { Report } from "../server-event.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { answerFailure, asAnswer } from "./answer-failure.ts";
import { credentialsOf } from "./credentials-of.ts";
import { demandRight } from "./demand-right.ts";
import type { Face } from "./faces.ts";
import { type KnownMethods, noteMethods } from "./known-methods.ts";
import type { ApiRoute } from "./openapi.ts";
import { securityHeaders } from "./security-headers.ts";

/** What the application is made of. */
export interface AppParts {
  readonly access: Access;
  readonly report: Report;
  readonly faces: readonly Face[];
  /** Of the program, for the API's description. */
  readonly version: string;
}

/** Everything but the registry's own paths. */
export interface App {
  readonly handle: RequestListener;
  close(): Promise<void>;
}

/** Builds it; it listens nowhere by itself. */
export async function buildApp({ access, report, faces, version }: AppParts): Promise<App> {
  const app = fastify({
    serverFactory: (handler) => createServer(handler),
    logger: false,
    bodyLimit: 4 * 1024 * 1024,
    routerOptions: { maxParamLength: 1024, caseSensitive: true, ignoreDuplicateSlashes: false },
    exposeHeadRoutes: true,
    return503OnClosing: false,
    // of paths that cannot be read, which no hook sees
    frameworkErrors(error, { raw }, reply) {
      answerFailure(error, reply.headers(Object.fromEntries(securityHeaders(raw))));
    },
  });
  app.decorateRequest("caller", null as unknown as Caller);
  app.addHook("onRequest", (request) => admitCaller(access, request));
  app.addHook("onSend", async (request, reply, payload) => {
    for (const [name, value] of securityHeaders(request.raw))
      if (!reply.hasHeader(name)) reply.header(name, value);
    return payload;
  });
  app.addHook("onResponse", async (request, reply) => report(requestEvent(request, reply)));
  app.setErrorHandler((error, _request, reply) => {
    const answer = asAnswer(error);
    if (answer.status === 500)
      report({ type: "message", level: "error", text: "internal error", error });
    return answerFailure(answer, reply);
  });
  const methodsOf = noteMethods(app);
  app.setNotFoundHandler(({ url }, reply) => answerFailure(notTaken(url, methodsOf), reply));
  describeRoutes(app, version);
  for (const face of faces) await app.register(async (own) => face(own));
  await app.ready();
  return {
    handle: (request, response) => app.routing(request, response),
    close: () => app.close(),
  };
}

/** RFC 9110 § 15.5.6: who asks for something there by another method is told by which. */
function notTaken(url: string, methodsOf: KnownMethods): RegistryAnswerError {
  const methods = methodsOf(url);
  if (methods.length === 0)
    return new RegistryAnswerError("UNSUPPORTED", "no such path", { status: 404 });
  return new RegistryAnswerError("UNSUPPORTED", "the operation is unsupported", {
    status: 405,
    headers: { Allow: methods.join(", ") },
  });
}

/** Whatever is registered below `/api/v1` from now on is described there. */
function describeRoutes(app: FastifyInstance, version: string): void {
  const routes: ApiRoute[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    if (!url.startsWith("/api/v1/")) return;
    for (const each of [method].flat().filter((name) => name !== "HEAD"))
      routes.push({ method: each, url, api: config?.api, right: config?.right });
  });
  let text: string | undefined;
  const config = {
    open: true,
    operation: "api",
    api: { summary: "This description", answers: { 200: { is: "OpenAPI 3.1" } } },
  };
  app.get("/api/v1/openapi.json", { config }, async (_request, reply) => {
    const { describeApi } = await import("./openapi.ts");
    text ??= JSON.stringify(describeApi(routes, version));
    return await reply.type("application/json").send(text);
  });
}

/** Finds out who asks, and whether they have the right that the route demands. */
async function admitCaller(access: Access, request: FastifyRequest): Promise<void> {
  const credentials = credentialsOf(request.raw);
  request.caller = { user: undefined, address: credentials.address };
  const { open = false, right } = request.routeOptions.config;
  if (open || request.is404) return;
  request.caller = await access.identify(credentials);
  if (right !== undefined) demandRight(access, request.caller, right, credentials);
}

function requestEvent(request: FastifyRequest, reply: FastifyReply) {
  const { raw, routeOptions, caller } = request;
  const first = /^\/([a-z0-9]+)/.exec(routeOptions.url ?? "")?.[1];
  return {
    type: "request",
    operation: routeOptions.config.operation ?? first ?? "other",
    method: raw.method ?? "",
    url: raw.url ?? "",
    status: reply.statusCode,
    caller,
    durationMs: reply.elapsedTime,
    bytesIn: Number(raw.headers["content-length"] ?? 0) || 0,
    bytesOut: Number(reply.getHeader("content-length") ?? 0) || 0,
    ...(raw.headers["user-agent"] !== undefined && { userAgent: raw.headers["user-agent"] }),
    complete: reply.raw.writableFinished,
  } as const;
}
