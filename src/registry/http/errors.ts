import { KnownError, type KnownErrorOptions } from "../../core/errors.ts";
import { quotedBytes } from "../printable.ts";

/** What became of a request: not reached, broken off, too slow, not trusted, or answered with something else. */
export type HttpErrorCode =
  | "registry.unreachable"
  | "registry.connection-lost"
  | "registry.timed-out"
  | "registry.tls"
  | "registry.bad-response";

/** How far a request had come: before `send`, the server cannot have seen any of it. */
export type HttpPhase = "connect" | "send" | "head" | "body";

/** What an {@link HttpError} carries besides its code and message. */
export interface HttpErrorOptions extends KnownErrorOptions {
  readonly phase: HttpPhase;
  /** The system's name of the failure, as `ECONNREFUSED`; absent where no system call failed. */
  readonly syscallCode?: string | undefined;
}

/**
 * A request that got no whole answer. The message is what Go's net/http would say, without the method and URL that it
 * puts in front.
 */
export class HttpError extends KnownError<HttpErrorCode> {
  readonly phase: HttpPhase;
  readonly syscallCode: string | undefined;

  constructor(code: HttpErrorCode, message: string, options: HttpErrorOptions) {
    super(code, message, options);
    this.phase = options.phase;
    this.syscallCode = options.syscallCode;
  }
}

/** An answer that is not HTTP/1.1 as RFC 9112 has it; asking again would not help. */
export function badResponse(what: string, phase: HttpPhase = "head"): HttpError {
  const broken = phase === "head" ? "net/http: HTTP/1.x transport connection broken: " : "";
  return new HttpError("registry.bad-response", `${broken}${what}`, { phase });
}

/** Latin-1 text from a peer as Go's `%q` shows its bytes, cut where it is long. */
export function shown(text: string): string {
  return quotedBytes(Buffer.from(text.slice(0, 200), "latin1"));
}

/** The peer closed its side before it had said all. */
export function endedEarly(phase: HttpPhase, sawBytes: boolean): HttpError {
  const message = sawBytes ? "unexpected EOF" : "EOF";
  return new HttpError("registry.connection-lost", message, { phase, retryable: true });
}
