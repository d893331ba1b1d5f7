import { ContentError } from "../../core/errors.ts";
import { RegistryAnswerError } from "./answer-error.ts";
import type { Exchange, HeaderList } from "./exchange.ts";
import { announcedLength, hasUnreadBody } from "./request-body.ts";
import type { Service } from "./service.ts";

/** What of an unread body is swallowed, so that the connection can be used again. */
const swallowedBytes = 256 * 1024;
/** How long a client that still sends has to see the answer before its connection is ended. */
const lingerMs = 5_000;
const lingerBytes = 16 * 1024 * 1024;

/** A cache may take it upon itself to keep a 404. */
const errorHeaders: HeaderList = ["Content-Type", "application/json", "Cache-Control", "no-store"];

/** Answers a request that failed, whatever it failed with; what was begun already is cut off. */
export function answerFailure({ parts }: Service, exchange: Exchange, failure: unknown): void {
  const error = answerOf(failure);
  exchange.notes.code = error.code;
  if (error.code === "UNKNOWN" && !isGone(exchange)) {
    const fields = { request: exchange.id };
    const message = { type: "message", level: "error", text: "internal error" } as const;
    parts.report?.({ ...message, fields, error: failure });
  }
  if (exchange.response.headersSent || exchange.response.destroyed) {
    exchange.cut();
    return;
  }
  const headers = Object.entries(error.headers).flat();
  const { code, message, detail } = error;
  const content = JSON.stringify({
    errors: [{ code, message, ...(detail !== undefined && { detail }) }],
  });
  answerEarly(exchange, error.status, [...headers, ...errorHeaders], content);
}

/** What fails because the client went away is no news. */
function isGone({ request, response }: Exchange): boolean {
  return request.destroyed && response.destroyed;
}

/** Failures nobody foresaw tell clients nothing: they may hold paths and names of hosts. */
function answerOf(failure: unknown): RegistryAnswerError {
  if (failure instanceof RegistryAnswerError) return failure;
  if (failure instanceof ContentError) return answerOfContent(failure);
  return new RegistryAnswerError("UNKNOWN", "internal error", { status: 500 });
}

function answerOfContent(failure: ContentError): RegistryAnswerError {
  const { code, message } = failure;
  if (code === "content.digest-mismatch") {
    const mismatch = "provided digest did not match uploaded content";
    return new RegistryAnswerError("DIGEST_INVALID", mismatch, { status: 400 });
  }
  if (code === "content.too-large")
    return new RegistryAnswerError("SIZE_INVALID", message, { status: 413 });
  if (code === "content.bad-manifest" || code === "content.bad-json") {
    return new RegistryAnswerError("MANIFEST_INVALID", message, { status: 400 });
  }
  return new RegistryAnswerError("UNKNOWN", "internal error", { status: 500 });
}

/** Answers a request whose body may not have been read. */
function answerEarly(
  exchange: Exchange,
  status: number,
  headers: HeaderList,
  content: string,
): void {
  const announced = announcedLength(exchange);
  const small = announced !== undefined && announced <= swallowedBytes;
  const expecting = exchange.request.headers.expect !== undefined;
  if (!hasUnreadBody(exchange) || (small && !expecting)) {
    exchange.request.resume();
    exchange.answer(status, headers, content);
    return;
  }
  const length = Buffer.byteLength(content);
  const closing = headers.includes("Connection") ? [] : ["Connection", "close"];
  exchange.begin(status, [...headers, "Content-Length", length, ...closing]);
  exchange.response.write(content);
  exchange.sentBytes += length;
  linger(exchange);
}

/**
 * Ends the answer when the client has stopped sending: a connection closed with bytes unread is reset, and the client
 * may never see what it was told.
 */
function linger({ request, response }: Exchange): void {
  let swallowed = 0;
  const end = () => {
    clearTimeout(timer);
    request.off("data", swallow);
    response.end();
  };
  const swallow = (chunk: Uint8Array) => {
    swallowed += chunk.length;
    if (swallowed > lingerBytes) end();
  };
  const timer = setTimeout(end, lingerMs);
  request.on("data", swallow).once("end", end).once("error", end).once("close", end);
  request.resume();
}
