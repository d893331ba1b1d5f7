import { KnownError } from "../../core/errors.ts";
import type { HttpClient } from "../../registry/http/contract.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";

const maxAnswerBytes = 4 * 1024 * 1024;

/** A cluster's API, and who to be there. */
export interface OpenShiftServer {
  readonly http: HttpClient;
  /** `https://host:port`, a path maybe, no slash at the end. */
  readonly server: string;
  readonly authorization?: string;
}

/** Sends requests to the API of an OpenShift cluster: small JSON documents both ways. */
export class OpenShiftClient {
  readonly #server: OpenShiftServer;

  constructor(server: OpenShiftServer) {
    this.#server = server;
  }

  /** @throws {TransportError} `transport.unreadable` in the cluster's own words */
  async send(
    method: "GET" | "POST",
    path: string,
    { signal }: CallOptions,
    document?: object,
  ): Promise<unknown> {
    const { http, server, authorization } = this.#server;
    const during = `${method === "GET" ? "Get" : "Post"} "${server}${path}"`;
    const response = await telling(during, () =>
      http.request({
        method,
        url: new URL(server + path),
        lane: "metadata",
        signal,
        ...(document && { body: Buffer.from(JSON.stringify(document)) }),
        headers: {
          accept: "application/json, */*",
          ...(document && { "content-type": "application/json" }),
          ...(authorization !== undefined && { authorization }),
        },
      }),
    );
    await using open = response;
    const body = await telling(during, () => readBounded(open.body, maxAnswerBytes, path));
    const answer = parsed(body);
    if (open.status >= 200 && open.status <= 206) {
      if (answer !== undefined) return answer;
      throw failed("the cluster's answer is no JSON");
    }
    const told = answer as { status?: unknown; message?: unknown } | undefined;
    if (typeof told?.status === "string" && told.status !== "") throw failed(String(told.message));
    throw failed(
      `HTTP error: status code: ${open.status} (${open.reason}), body: ${Buffer.from(body).toString()}`,
    );
  }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined; // the caller tells of it by the status
  }
}

async function telling<T>(call: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw failed(`${call}: ${error.message}`, error);
  }
}

function failed(message: string, cause?: unknown): TransportError {
  return new TransportError("transport.unreadable", message, { cause });
}
