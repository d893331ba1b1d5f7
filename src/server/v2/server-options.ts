import type { Server, ServerOptions } from "node:http";
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

/**
 * What a server needs besides {@link v2ServerOptions}: an end for connections that stall, and the face itself for clients
 * that ask before they send, which it may refuse without having their bytes.
 */
export function limitServer(
  server: Server,
  face: V2Face,
  idleMs: number = usualV2Limits.idleMs,
): void {
  server.timeout = idleMs;
  server.maxRequestsPerSocket = 0;
  server.on("checkContinue", face);
}
