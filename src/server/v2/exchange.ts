import type { IncomingMessage, ServerResponse } from "node:http";
import type { Credentials } from "../access.ts";
import type { Caller, ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import { hopsHeader, parseHops } from "../upstream/hops.ts";
import type { V2RequestEvent } from "./parts.ts";

/** Headers as pairs in a row, the form in which node:http takes them fastest. */
export type HeaderList = readonly (string | number)[];

const commonHeaders: HeaderList = [
  "Docker-Distribution-API-Version",
  "registry/2.0",
  "X-Content-Type-Options",
  "nosniff",
];

/** Content up to here is worth being copied. */
const joinedBytes = 16 * 1024;

/** What becomes known of a request while it is served, for the report. */
export type ExchangeNotes = {
  -readonly [Name in "operation" | "reference" | "code" | "decision"]?: V2RequestEvent[Name];
} & { repository?: ServedRepository };

/** A character for each byte. */
function bytesAsText({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}

/** One request and its answer. It is the call that backends are given: its signal aborts when the client is gone. */
export class Exchange implements ServerCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly credentials: Credentials;
  readonly notes: ExchangeNotes = {};
  caller: Caller;
  isForPushing = false;
  /** Of content that left, and of content that came. */
  sentBytes = 0;
  receivedBytes = 0;
  /** Whether the client is waited for, and not we by it. */
  awaitsClient = false;
  #gone: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, id: string) {
    this.request = request;
    this.response = response;
    this.id = id;
    this.credentials = credentialsOf(request);
    this.caller = { user: undefined, address: this.credentials.address };
  }

  get hops(): number {
    return parseHops(this.header(hopsHeader));
  }

  /** HEAD: the same answer, without its content. */
  get head(): boolean {
    return this.request.method === "HEAD";
  }

  /** Made when first asked for: most answers from memory need none. */
  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      this.#gone = new AbortController();
      if (this.response.closed || this.response.destroyed) this.#gone.abort();
    }
    return this.#gone.signal;
  }

  /** Tells the signal, if anybody has it. */
  abandon(): void {
    this.#gone?.abort();
  }

  get authorization(): string | undefined {
    const said = this.request.headers.authorization;
    return said !== undefined && /^basic /i.test(said) ? said : undefined;
  }

  /** The Host header, in lower case. */
  get host(): string | undefined {
    return this.request.headers.host?.toLowerCase();
  }

  /** A header that came once; several of its lines are joined by commas where lists are allowed. */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === "string" ? value : value?.join(", ");
  }

  /** Begins the answer. */
  begin(status: number, headers: HeaderList): void {
    const all = [...headers, ...commonHeaders, "X-Request-Id", this.id];
    // Node's types know only text in such lists; numbers are written just so.
    this.response.writeHead(status, all as string[]);
  }

  /** Answers with `content`, or with its headers alone where it is HEAD. */
  answer(status: number, headers: HeaderList, content?: Uint8Array | string): void {
    if (content === undefined) {
      const empty = status === 204 || status === 304 ? headers : [...headers, "Content-Length", 0];
      this.begin(status, empty);
      this.response.end();
      return;
    }
    const length = typeof content === "string" ? Buffer.byteLength(content) : content.length;
    this.begin(status, [...headers, "Content-Length", length]);
    if (this.head) {
      this.response.end();
      return;
    }
    this.sentBytes += length;
    if (typeof content === "string" || length > joinedBytes) this.response.end(content);
    // Node joins its headers with text, but writes bytes apart from them: a tenth fewer requests a second.
    else this.response.end(bytesAsText(content), "latin1");
  }

  /** Ends the connection at once: what was begun must not look finished. */
  cut(): void {
    this.request.socket.destroy();
  }

  /** What there is to tell of it in the end. */
  event(durationMs: number): V2RequestEvent {
    const { request, response } = this;
    const { repository, operation = "unknown", ...notes } = this.notes;
    const userAgent = request.headers["user-agent"];
    return {
      type: "request",
      id: this.id,
      operation,
      ...notes,
      ...(repository && { repository: servedName(repository) }),
      method: request.method ?? "",
      url: request.url ?? "",
      status: response.headersSent ? response.statusCode : 0,
      caller: this.caller,
      durationMs,
      bytesIn: this.receivedBytes,
      bytesOut: this.sentBytes,
      ...(userAgent !== undefined && { userAgent }),
      complete: response.writableFinished,
    };
  }
}
