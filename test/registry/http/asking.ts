import { createHttpClient } from "../../../src/registry/http/client.ts";
import type {
  HttpClient,
  HttpClientOptions,
  HttpRequest,
  HttpResponse,
} from "../../../src/registry/http/contract.ts";

const noTls = { ca: [], clientCertificates: [], verify: true };

/** A client that goes direct, with two connections a lane. */
export function testClient(options: Partial<HttpClientOptions> = {}): HttpClient {
  return createHttpClient({
    tlsFor: () => noTls,
    proxyFor: () => undefined,
    connections: 2,
    ...options,
  });
}

/** A request with all that is not said filled in: GET, no headers, never called off. */
export function ask(
  client: HttpClient,
  url: string,
  request: Partial<HttpRequest> = {},
): Promise<HttpResponse> {
  return client.request({
    method: "GET",
    url: new URL(url),
    headers: {},
    signal: new AbortController().signal,
    lane: "metadata",
    ...request,
  });
}

/** All of a response's body, disposed of; bytes as Latin-1. */
export async function textOf(response: HttpResponse): Promise<string> {
  await using held = response;
  let text = "";
  for await (const chunk of held.body) text += Buffer.from(chunk).toString("latin1");
  return text;
}

/** A GET and its body. */
export async function get(client: HttpClient, url: string): Promise<string> {
  return textOf(await ask(client, url));
}

/** The code of the error that `promise` rejects with; its text where it has none. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  return "no error";
}
