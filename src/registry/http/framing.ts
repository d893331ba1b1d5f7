import { badResponse, shown } from "./errors.ts";
import type { ResponseHead } from "./response-head.ts";

/** How the end of a body is told. Of "close" it is not: the connection's end may as well be a break. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

/**
 * RFC 9112 § 6.3, with no tolerance for a message whose end two readers could see in different places.
 *
 * @throws {HttpError} `registry.bad-response`
 */
export function framingOf(head: ResponseHead, method: string): Framing {
  if (method === "HEAD" || head.status === 204 || head.status === 304) return { kind: "none" };
  if (method === "CONNECT" && head.status >= 200 && head.status < 300) return { kind: "none" };
  const codings = head.fields.all("transfer-encoding");
  const length = contentLength(head);
  if (codings.length === 0) {
    return length === undefined ? { kind: "close" } : { kind: "length", length };
  }
  const [coding = ""] = codings;
  if (codings.length > 1 || coding.toLowerCase() !== "chunked" || head.minor === 0) {
    throw badResponse(`unsupported transfer encoding: ${shown(codings.join(", "))}`);
  }
  if (length !== undefined) {
    throw badResponse("http: message has both Content-Length and Transfer-Encoding");
  }
  return { kind: "chunked" };
}

function contentLength(head: ResponseHead): number | undefined {
  const values = new Set(head.fields.all("content-length"));
  if (values.size > 1) {
    const all = [...values].map(shown).join(" ");
    throw badResponse(`http: message cannot contain multiple Content-Length headers; got [${all}]`);
  }
  const [value] = values;
  if (value === undefined) return undefined;
  const length = Number(value);
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(length)) {
    throw badResponse(`bad Content-Length ${shown(value)}`);
  }
  return length;
}

/** Whether another request may follow on the connection, RFC 9112 § 9.3. */
export function keepsAlive(head: ResponseHead, framing: Framing): boolean {
  if (framing.kind === "close") return false;
  const options = head.fields.list("connection");
  if (options.includes("close")) return false;
  return head.minor === 1 || options.includes("keep-alive");
}

/** The seconds of `Keep-Alive: timeout=5, max=100`. */
export function keepAliveSeconds(head: ResponseHead): number | undefined {
  for (const parameter of head.fields.list("keep-alive")) {
    const seconds = /^timeout=([0-9]{1,9})$/.exec(parameter)?.[1];
    if (seconds !== undefined) return Number(seconds);
  }
  return undefined;
}
