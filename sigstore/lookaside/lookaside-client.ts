import { gunzipSync } from "node:zlib";
import { KnownError } from "../../src/core/errors.ts";
import type { HttpClient, HttpResponse } from "../../src/registry/http/contract.ts";
import { readBounded } from "../../src/stream/bounded.ts";
import { SignatureError } from "../errors.ts";
import { maxSignatureBytes, redactedText, withoutPassword } from "./layout.ts";

/** Go's client sends so many requests, so that the tenth redirect is not followed. */
const maxRedirects = 10;
const maxErrorBytes = 64 * 1024;
const tries = 3;

/** What a look-aside on a web server is reached with. */
export interface HttpLookasideOptions {
  readonly http: HttpClient;
  readonly userAgent: string;
  readonly onWarning: (text: string) => void;
}

/** The requests to a web server that keeps signatures. No registry's credentials go there, only those in the URL. */
export class LookasideClient {
  readonly #options: HttpLookasideOptions;

  constructor(options: HttpLookasideOptions) {
    this.#options = options;
  }

  /** Begins so many connections, which are closed with the HTTP client if nobody uses them. */
  warm(url: URL, connections: number): void {
    for (let n = 0; n < connections; n++) this.#options.http.warm(url);
  }

  /** What {@link get} tells of. */
  warn(text: string): void {
    this.#options.onWarning(text);
  }

  /**
   * A signature's bytes; undefined for 404, which alone means that there is none.
   *
   * @param onWarning told where the answer looks like something else
   * @throws {SignatureError} `signature.store-failed`, `signature.store-limit`
   */
  async get(
    url: URL,
    signal: AbortSignal,
    onWarning = this.#options.onWarning,
  ): Promise<Uint8Array | undefined> {
    return await retrying(signal, () => this.#get(url, signal, onWarning));
  }

  async #get(
    url: URL,
    signal: AbortSignal,
    onWarning: (text: string) => void,
  ): Promise<Uint8Array | undefined> {
    await using response = await this.#follow(url, signal);
    if (response.status === 404) {
      await drain(response);
      return undefined;
    }
    if (response.status !== 200) throw await failure("reading signature from", url, response);
    const type = response.header("content-type") ?? "";
    if (/^text\/html\b/i.test(type.trim())) {
      onWarning(
        `Signature ${JSON.stringify(redactedText(url))} has Content-Type ${JSON.stringify(type)}, unexpected for a signature`,
      );
    }
    return decoded(await bounded(response, url), response.header("content-encoding"));
  }

  async #follow(asked: URL, signal: AbortSignal): Promise<HttpResponse> {
    let url = asked;
    for (let redirects = 1; ; redirects++) {
      const response = await this.#send("GET", url, signal);
      const location = response.header("location");
      if (![301, 302, 303, 307, 308].includes(response.status) || !location) return response;
      await drain(response);
      if (redirects >= maxRedirects) {
        throw failed(`Get "${withoutPassword(location)}": stopped after ${maxRedirects} redirects`);
      }
      url = resolved(location, url);
    }
  }

  /**
   * Creates what is not there; false where it is.
   *
   * @throws {SignatureError} `signature.store-failed`
   */
  async create(url: URL, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
    for (let folders = 0; ; folders++) {
      await using response = await this.#send("PUT", url, signal, {
        body: bytes,
        headers: { "if-none-match": "*" },
      });
      if (response.status === 412) {
        await drain(response);
        return false;
      }
      if (isSuccess(response)) {
        await drain(response);
        return true;
      }
      // RFC 4918 § 9.7.1: 409 where the folder is not there yet; nginx says 404, some say 403
      if (folders > 0 || ![403, 404, 409].includes(response.status)) {
        throw await failure("writing signature to", url, response);
      }
      await drain(response);
      await this.#makeFolders(url, signal);
    }
  }

  /** Overwrites what is there. */
  async replace(url: URL, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await using response = await this.#send("PUT", url, signal, { body: bytes });
    if (!isSuccess(response)) throw await failure("writing signature to", url, response);
    await drain(response);
  }

  /** One that is not there is no failure. */
  async remove(url: URL, signal: AbortSignal): Promise<void> {
    await using response = await this.#send("DELETE", url, signal);
    if (!isSuccess(response) && response.status !== 404) {
      throw await failure("removing signature", url, response);
    }
    await drain(response);
  }

  /** MKCOL of the folders above, the topmost first. Whatever it says, the PUT that follows will tell. */
  async #makeFolders(url: URL, signal: AbortSignal): Promise<void> {
    const parts = url.pathname.split("/").slice(0, -1);
    for (let count = 2; count <= parts.length; count++) {
      const folder = new URL(url);
      folder.pathname = `${parts.slice(0, count).join("/")}/`;
      await drain(await this.#send("MKCOL", folder, signal));
    }
  }

  async #send(
    method: string,
    url: URL,
    signal: AbortSignal,
    request: { body?: Uint8Array; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<HttpResponse> {
    const { username, password } = url;
    const address = new URL(url);
    address.username = "";
    address.password = "";
    try {
      return await this.#options.http.request({
        method,
        url: address,
        signal,
        lane: "metadata",
        ...(request.body && { body: request.body }),
        headers: {
          "user-agent": this.#options.userAgent,
          ...request.headers,
          ...(`${username}${password}` !== "" && { authorization: basic(username, password) }),
        },
      });
    } catch (error) {
      throw lost(error, method, url);
    }
  }
}

/** Does again what a broken connection ended; what was answered is final. */
export async function retrying<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= tries || !(error instanceof KnownError) || !error.retryable) throw error;
    }
  }
}

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300;
}

function basic(username: string, password: string): string {
  const pair = Buffer.from(unescaped(`${username}:${password}`), "latin1");
  return `Basic ${pair.toString("base64")}`;
}

/** A character a byte: what stands escaped in a URL need not be UTF-8. */
function unescaped(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function resolved(location: string, from: URL): URL {
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    throw failed(`Get "${redactedText(from)}": failed to parse Location header`);
  }
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw failed(
    `Get "${redactedText(url)}": unsupported protocol scheme "${url.protocol.slice(0, -1)}"`,
  );
}

/** @throws what was thrown, where it is no failure of the connection: a call that was called off */
function lost(error: unknown, method: string, url: URL): unknown {
  if (!(error instanceof KnownError)) return error;
  const verb = method[0] + method.slice(1).toLowerCase();
  return new SignatureError(
    "signature.store-failed",
    `${verb} "${redactedText(url)}": ${error.message}`,
    { cause: error, retryable: error.retryable },
  );
}

async function bounded(response: HttpResponse, url: URL): Promise<Uint8Array> {
  try {
    return await readBounded(response.body, maxSignatureBytes, redactedText(url));
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    if (error.code !== "content.too-large") throw lost(error, "GET", url);
    throw tooLong(error);
  }
}

/** Compression is not asked for, but files that are kept compressed come so: Go's client undoes gzip, and nothing else. */
function decoded(bytes: Uint8Array, encoding: string | undefined): Uint8Array {
  if (encoding?.trim().toLowerCase() !== "gzip") return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: maxSignatureBytes });
  } catch (cause) {
    const isLong = (cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    throw isLong ? tooLong(cause) : failed(`gzip: ${(cause as Error).message}`);
  }
}

function tooLong(cause: unknown): SignatureError {
  return new SignatureError(
    "signature.store-limit",
    `exceeded maximum allowed size of ${maxSignatureBytes} bytes`,
    { cause },
  );
}

async function failure(doing: string, url: URL, response: HttpResponse): Promise<SignatureError> {
  const { status, reason } = response;
  await drain(response);
  const told = `received unexpected HTTP status: ${status} ${reason}`;
  return failed(`${doing} ${redactedText(url)}: ${told}`);
}

async function drain(response: HttpResponse): Promise<void> {
  try {
    await readBounded(response.body, maxErrorBytes, "answer");
  } catch {
    // the status alone says enough
  } finally {
    await response[Symbol.asyncDispose]();
  }
}

function failed(message: string): SignatureError {
  return new SignatureError("signature.store-failed", message);
}
