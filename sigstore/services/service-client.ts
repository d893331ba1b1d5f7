import { KnownError } from "../../src/core/errors.ts";
import type { HttpClient } from "../../src/registry/http/contract.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { SignatureError } from "../errors.ts";

/** A certificate with its chain, a log entry with its proof, a set of keys: all are far shorter. */
const maxAnswerBytes = 1024 * 1024;

/** What is sent besides the address. */
export interface ServiceCall {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, read whole. */
export interface ServiceAnswer {
  readonly status: number;
  /** As Go writes it: `404 Not Found`. */
  readonly statusText: string;
  readonly text: string;
  header(name: string): string | undefined;
}

/** Requests to the services that signing takes: a log, an authority, an issuer of identities. Redirects are not followed. */
export class ServiceClient {
  readonly #http: HttpClient;
  readonly #userAgent: string;

  constructor(http: HttpClient, userAgent: string) {
    this.#http = http;
    this.#userAgent = userAgent;
  }

  /** @throws {SignatureError} `signature.cannot-sign` where there is no answer: `Post "URL": …`; `retryable` is decided */
  async send(
    method: "GET" | "POST",
    url: URL,
    signal: AbortSignal,
    { body, headers }: ServiceCall = {},
  ): Promise<ServiceAnswer> {
    try {
      await using response = await this.#http.request({
        method,
        url,
        signal,
        lane: "metadata",
        headers: { "user-agent": this.#userAgent, ...headers },
        ...(body !== undefined && { body: Buffer.from(body) }),
      });
      const bytes = await readBounded(response.body, maxAnswerBytes, url.href);
      const { status, reason } = response;
      const fields = new Map<string, string | undefined>();
      for (const name of ["location", "sct", "retry-after"])
        fields.set(name, response.header(name));
      return {
        status,
        statusText: `${status} ${reason}`,
        text: Buffer.from(bytes).toString(),
        header: (name) => fields.get(name),
      };
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      const verb = method === "GET" ? "Get" : "Post";
      throw new SignatureError("signature.cannot-sign", `${verb} "${url.href}": ${error.message}`, {
        cause: error,
        retryable: error.retryable,
      });
    }
  }
}

/** The address of a service's endpoint, below the path that the service itself is at. */
export function endpointOf(service: URL, path: string): URL {
  const url = new URL(service);
  url.pathname = `${service.pathname.replace(/\/+$/, "")}${path}`;
  url.search = "";
  url.hash = "";
  return url;
}

/** @throws {SignatureError} `signature.cannot-sign` for what is no URL of the web: `parsing WHAT "TEXT": …` */
export function parseServiceUrl(what: string, text: string): URL {
  const fail = (why: string) =>
    new SignatureError("signature.cannot-sign", `parsing ${what} ${JSON.stringify(text)}: ${why}`);
  const bad = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(text)?.[0];
  if (bad !== undefined) {
    throw fail(`parse ${JSON.stringify(text)}: invalid URL escape ${JSON.stringify(bad)}`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fail("it is no URL");
  }
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw fail(`unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`);
}
