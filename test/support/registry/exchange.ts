import type { IncomingMessage, ServerResponse } from "node:http";
import type { Features } from "./features.ts";
import type { LoggedRequest } from "./log.ts";
import type { Operation } from "./operation.ts";
import type { RegistryStore } from "./store.ts";

/** One request on its way through the registry. */
export interface Exchange {
  readonly operation: Operation;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly features: Features;
  readonly store: RegistryStore;
  readonly entry: LoggedRequest;
  /** `http(s)://host:port` of the server that was asked. */
  readonly origin: string;
  /** Uploads above this many bytes are hashed, not held. */
  readonly keepBytes: number;
  /** The request's body, to be read once; counted, and faulty where told. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A header of the request, or the empty text. */
export function requestHeader(exchange: { request: IncomingMessage }, name: string): string {
  const value = exchange.request.headers[name];
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}
