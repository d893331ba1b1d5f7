import { ContentError } from "../core/errors.ts";
import { readBounded } from "../stream/bounded.ts";
import { parseChallenges } from "./challenge.ts";
import { readFailure } from "./error-body.ts";
import { RegistryError, type RegistryErrorCode } from "./errors.ts";
import type { HttpResponse } from "./http/contract.ts";
import { redactedUrl } from "./redact.ts";
import { isRetryableStatus } from "./retry.ts";

const maxErrorBody = 64 * 1024;

/** A registry's answer, with the request it answers. Frees its connection and slot when disposed of. */
export class Reply implements AsyncDisposable {
  readonly method: string;
  /** Of the request answered: after redirects, another than was asked. */
  readonly url: URL;
  readonly redirected: boolean;
  readonly #response: HttpResponse;
  readonly #leave: () => void;
  #kept: Promise<Uint8Array> | undefined;

  constructor(
    response: HttpResponse,
    request: { readonly method: string; readonly url: URL; readonly redirected: boolean },
    leave: () => void,
  ) {
    this.#response = response;
    this.method = request.method;
    this.url = request.url;
    this.redirected = request.redirected;
    this.#leave = leave;
  }

  get status(): number {
    return this.#response.status;
  }

  /** The reason phrase, as sent. */
  get reason(): string {
    return this.#response.reason;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  header(name: string): string | undefined {
    return this.#response.header(name);
  }

  headers(name: string): readonly string[] {
    return this.#response.headers(name);
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#response.body;
  }

  /** As of {@link HttpResponse}. */
  retainChunks(): void {
    this.#response.retainChunks();
  }

  /** Reads what is left of a small body, so that the connection can be used again, and disposes. Never throws. */
  async discard(): Promise<void> {
    if (this.method === "HEAD") await this[Symbol.asyncDispose]();
    else await this.keep();
  }

  /**
   * Takes a small body into memory and frees connection and slot, so that other requests can be made before this answer
   * is judged. Never throws.
   */
  keep(): Promise<Uint8Array> {
    this.#kept ??= this.#readSmall();
    return this.#kept;
  }

  /** @throws {ContentError} `content.too-large`, in skopeo's words: what was too large is in its cause */
  async bytes(maxBytes: number): Promise<Uint8Array> {
    try {
      return await readBounded(this.body, maxBytes, redactedUrl(this.url));
    } catch (cause) {
      if (!(cause instanceof ContentError) || cause.code !== "content.too-large") throw cause;
      const message = `exceeded maximum allowed size of ${maxBytes} bytes`;
      throw new ContentError(cause.code, message, { cause });
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** The answer as an error, in skopeo's words, `context` before them. Reads the body and disposes. */
  async toError(context: string, code?: RegistryErrorCode): Promise<RegistryError> {
    const bearer = parseChallenges(this.headers("www-authenticate")).find(
      ({ scheme, parameters }) => scheme === "bearer" && parameters.has("error"),
    );
    const failure = readFailure({
      status: this.status,
      reason: this.#response.reason,
      body: await this.keep(),
      bearerError: bearer?.parameters.get("error"),
      bearerErrorDescription: bearer?.parameters.get("error_description"),
    });
    return new RegistryError(
      code ?? codeOf(this.status, failure.entries[0]?.code),
      context === "" ? failure.text : `${context}: ${failure.text}`,
      {
        retryable: isRetryableStatus(this.status),
        status: this.status,
        method: this.method,
        url: redactedUrl(this.url),
        entries: failure.entries,
        ...hintFor(this.status, this.header("retry-after"), this.url),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#response[Symbol.asyncDispose]();
    } finally {
      this.#leave();
    }
  }

  async #readSmall(): Promise<Uint8Array> {
    try {
      return this.method === "HEAD" ? new Uint8Array() : await readStart(this.body);
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }
}

/** The first 64 KiB of a body; what breaks off counts as its end. */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(Buffer.from(chunk));
      size += chunk.byteLength;
      if (size > maxErrorBody) break;
    }
  } catch {
    // the status alone says enough
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBody);
}

function hintFor(
  status: number,
  retryAfter: string | undefined,
  { host }: URL,
): { readonly hint?: string } {
  if (status === 401) return { hint: `Log in to ${host}, or check the credentials given for it` };
  if (status !== 429) return {};
  const seconds = /^\d{1,9}$/.exec(retryAfter ?? "")?.[0];
  const when = seconds === undefined ? "later" : `in ${seconds} seconds`;
  return { hint: `Try again ${when}: ${host} lets no more requests through now` };
}

function codeOf(status: number, specCode: string | undefined): RegistryErrorCode {
  const isAbsent = specCode === "MANIFEST_UNKNOWN" || specCode === "NAME_UNKNOWN";
  if (isAbsent && status < 500) return "registry.not-found";
  if (status === 401) return specCode === "DENIED" ? "registry.denied" : "registry.unauthorized";
  if (status === 403) return "registry.denied";
  if (status === 404) return "registry.not-found";
  if (status === 405) return "registry.unsupported";
  if (status === 429) return "registry.rate-limited";
  if (status >= 500 || status === 408) return "registry.unavailable";
  return "registry.bad-response";
}
