import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { type Digest, type DigestAlgorithm, digestOf } from "../../../src/core/digest.ts";

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of an error, the code that it tells; else undefined. */
  readonly code: string | undefined;
}

/** What is sent besides method and path. */
export interface CallOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
  /** Send the body without telling its length. */
  readonly chunked?: boolean;
}

/** Makes one request just as it is written: no path is tidied up, no header added but `Host`. */
export function call(
  origin: string,
  method: string,
  path: string,
  { headers = {}, body, chunked = false }: CallOptions = {},
): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const length = body === undefined || chunked ? {} : { "Content-Length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = { hostname, port, method, path, headers: { ...length, ...headers } };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const content = Buffer.concat(chunks);
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: content, code: codeOf(content) });
      });
    });
    sent.on("error", reject);
    if (chunked) sent.write(body ?? "");
    sent.end(chunked ? undefined : body);
  });
}

function codeOf(body: Buffer): string | undefined {
  if (!body.subarray(0, 11).equals(Buffer.from('{"errors":['))) return undefined;
  return JSON.parse(body.toString()).errors[0].code;
}

/** Where an answer says that something is, as a path. */
export function locationOf({ headers }: Answer, origin: string): string {
  const url = new URL(headers.location ?? "missing:", origin);
  return `${url.pathname}${url.search}`;
}

/** `path` with one more query parameter. */
export function withQuery(path: string, query: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

/** Pushes a blob by POST and PUT. */
export async function pushBlob(
  origin: string,
  repository: string,
  bytes: Uint8Array,
  algorithm: DigestAlgorithm = "sha256",
): Promise<Digest> {
  const digest = digestOf(bytes, algorithm);
  const begun = await call(origin, "POST", `/v2/${repository}/blobs/uploads/`, { body: "" });
  const put = withQuery(locationOf(begun, origin), `digest=${digest}`);
  const { status, body } = await call(origin, "PUT", put, {
    body: bytes,
    headers: { "Content-Type": "application/octet-stream" },
  });
  if (status !== 201) throw new Error(`PUT of a blob: ${status} ${body}`);
  return digest;
}
