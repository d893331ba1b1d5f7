import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { V2Face } from "./face.ts";
import { usualV2Limits } from "./parts.ts";

/** How node:http is to be made for the registry's face: a strict parser, and no limit on how long a blob may take. */
export const v2ServerOptions: ServerOptions = {
  insecureHTTPParser: false,
  requireHostHeader: true,
  maxHeaderSize: 32 * 1024,
  headersTimeout: 20_000,
  // Of the whole request, body and all: stalled ones end by `timeout`, however long they were.
  requestTimeout: 0,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 75_000,
  noDelay: true,
};

/** What a client may still send behind its answer, and for how long. */
const lateBytes = 16 * 1024 * 1024;
const lateMs = 5_000;

/**
 * What a server needs besides {@link v2ServerOptions}: an end for connections that stall, or whose bodies go on and on when
 * their answer is given, and the face itself for clients that ask before they send, which it may refuse without having
 * their bytes.
 */
export function limitServer(
  server: Server,
  face: V2Face,
  idleMs: number = usualV2Limits.idleMs,
): void {
  server.timeout = idleMs;
  server.maxRequestsPerSocket = 0;
  server.on("checkContinue", face);
  server.on("request", endLateBodies);
}

/** Node reads what nobody wants to its end, so that the connection can be used again: a body without one, for ever. */
function endLateBodies(request: IncomingMessage, response: ServerResponse): void {
  const { headers, socket } = request;
  if (headers["transfer-encoding"] === undefined && headers["content-length"] === undefined) return;
  response.once("finish", () => {
    if (request.complete) return;
    const before = socket.bytesRead;
    const began = performance.now();
    const timer = setInterval(() => {
      const isOver = socket.bytesRead - before > lateBytes || performance.now() - began > lateMs;
      if (isOver && !request.complete) socket.destroy();
      if (isOver || request.complete) clearInterval(timer);
    }, 200).unref();
    request.once("close", () => clearInterval(timer));
  });
}
