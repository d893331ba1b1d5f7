import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { RegistryAnswerError } from "./answer-error.ts";
import { Exchange } from "./exchange.ts";
import { answerFailure } from "./failures.ts";
import { checkHeaders } from "./headers.ts";
import { listRepositories } from "./lists.ts";
import { parseOperation, type RepositoryOperation } from "./operation.ts";
import type { V2Parts } from "./parts.ts";
import { demandSomebody } from "./rights.ts";
import { serveOperation } from "./serve-operation.ts";
import { createService, type Service } from "./service.ts";

/** Serves one request; for `request` and `checkContinue` of a server alike. Never throws. */
export type V2Face = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The registry's API over HTTP: who asks, what for, whose repository, whether they may, whether it may leave, the answer —
 * OCI distribution-spec 1.1, `specs` registry.md 1.1 and 5.3.
 */
export function createV2Face(parts: V2Parts): V2Face {
  const service = createService(parts);
  const run = randomBytes(4).toString("hex");
  let count = 0;
  return (request, response) => {
    count += 1;
    const exchange = new Exchange(request, response, `${run}-${count.toString(36)}`);
    follow(service, exchange);
    serve(service, exchange).catch((error: unknown) => answerFailure(service, exchange, error));
  };
}

/** Ends clients that neither send nor take, and tells of each request when it has ended. */
function follow({ limits, parts }: Service, exchange: Exchange): void {
  const { request, response } = exchange;
  const { socket } = request;
  const began = parts.now();
  if (!socket.timeout) socket.setTimeout(limits.idleMs);
  response.on("timeout", () => {
    if (exchange.awaitsClient || socket.writableLength > 0) endIfSilent(socket);
    else socket.setTimeout(limits.idleMs);
  });
  response.on("close", () => {
    if (!response.writableFinished) exchange.abandon();
    parts.report?.(exchange.event(parts.now() - began));
  });
  response.on("error", () => undefined);
}

/** Where it was we who stood still, what the client has sent meanwhile is read before that turn. */
function endIfSilent(socket: Socket): void {
  const { bytesRead } = socket;
  setImmediate(() => {
    if (socket.bytesRead === bytesRead) socket.destroy();
  });
}

async function serve(service: Service, exchange: Exchange): Promise<void> {
  const { request, notes } = exchange;
  exchange.caller = await service.access.identify(exchange.credentials);
  checkHeaders(request);
  const operation = parseOperation(
    request.method ?? "",
    request.url ?? "",
    exchange.header("oci-namespace"),
  );
  notes.operation = operation.type;
  if (operation.type === "ping") ping(service, exchange);
  else if (operation.type === "list-repositories") {
    await listRepositories(service, exchange, operation);
  } else await serveRepository(service, exchange, operation);
}

function ping(service: Service, exchange: Exchange): void {
  demandSomebody(service, exchange);
  const signatures = service.parts.signaturesApi ? ["X-Registry-Supports-Signatures", "1"] : [];
  exchange.answer(200, ["Content-Type", "application/json", ...signatures], "{}");
}

async function serveRepository(
  service: Service,
  exchange: Exchange,
  operation: RepositoryOperation,
): Promise<void> {
  const { repository: path, namespace } = operation;
  const front = frontOf(operation);
  const asked = { path, namespace, host: exchange.host, ...(front !== undefined && { front }) };
  const repository = service.parts.route(asked);
  if (repository instanceof RegistryAnswerError) throw repository;
  exchange.notes.repository = repository;
  const reference = referenceOf(operation);
  if (reference !== undefined) exchange.notes.reference = reference;
  await serveOperation(service, exchange, repository, operation);
}

function frontOf({ path }: RepositoryOperation): string | undefined {
  return /^\/(.+?)\/v2\//.exec(path)?.[1];
}

function referenceOf(operation: RepositoryOperation): string | undefined {
  if ("reference" in operation) {
    const { reference } = operation;
    return reference.type === "tag" ? reference.tag : reference.digest;
  }
  if ("digest" in operation) return operation.digest;
  if ("subject" in operation) return operation.subject;
  return "id" in operation ? operation.id : undefined;
}
