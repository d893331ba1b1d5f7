import type { HttpRequest, RequestBody } from "./contract.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ours = new Set(["host", "content-length", "transfer-encoding", "connection"]);

/** What the way to the server adds to a request's head. */
export interface HeadOptions {
  /** `absolute` for a plain request through an HTTP proxy. */
  readonly form: "origin" | "absolute";
  /** Header lines only the next hop gets. */
  readonly hop: Readonly<Record<string, string>>;
  /** The header lines of requests before: those that give the same object have it checked and written out once. */
  readonly written: WeakMap<HttpRequest["headers"], string>;
}

/**
 * The request line and header block.
 *
 * @throws {TypeError} where a method, name or value could not stand in one line: such a request is a mistake of ours
 */
export function formatRequestHead(request: HttpRequest, options: HeadOptions): Uint8Array {
  const { url } = request;
  const path = `${url.pathname}${url.search}`;
  const target = options.form === "absolute" ? `http://${url.host}${path}` : path;
  return Buffer.from(
    `${requestLine(request.method, target)}Host: ${url.host}\r\n` +
      fieldLines(Object.entries(options.hop)) +
      headerLines(request.headers, options.written) +
      (request.ownHeaders ? fieldLines(Object.entries(request.ownHeaders).map(checkedField)) : "") +
      `${fieldLines(lengthFields(request.method, request.body))}\r\n`,
    "utf8",
  );
}

/** Joins a request line and fields; names get the capitals that Go gives them, for servers that care. */
export function formatHead(
  method: string,
  target: string,
  fields: readonly (readonly [string, string])[],
): Uint8Array {
  return Buffer.from(`${requestLine(method, target)}${fieldLines(fields)}\r\n`, "utf8");
}

function requestLine(method: string, target: string): string {
  if (!token.test(method)) throw new TypeError(`Not an HTTP method: ${JSON.stringify(method)}`);
  return `${method} ${target} HTTP/1.1\r\n`;
}

function fieldLines(fields: readonly (readonly [string, string])[]): string {
  let text = "";
  for (const [name, value] of fields) text += `${capitalised(name)}: ${value}\r\n`;
  return text;
}

function headerLines(headers: HttpRequest["headers"], written: HeadOptions["written"]): string {
  const known = written.get(headers);
  if (known !== undefined) return known;
  const lines = fieldLines(Object.entries(headers).map(checkedField));
  written.set(headers, lines);
  return lines;
}

function capitalised(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function checkedField([name, value]: readonly [string, string]): readonly [string, string] {
  if (!token.test(name) || name !== name.toLowerCase() || ours.has(name)) {
    throw new TypeError(`Not a header for callers to set: ${JSON.stringify(name)}`);
  }
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new TypeError(`The header ${name} has a control character in it`);
  }
  return [name, value];
}

/** A method that usually has a body says so even when it has none, as servers demand (411). */
function lengthFields(
  method: string,
  body: RequestBody | undefined,
): readonly (readonly [string, string])[] {
  if (body === undefined) {
    return ["POST", "PUT", "PATCH"].includes(method) ? [["content-length", "0"]] : [];
  }
  const length = body instanceof Uint8Array ? body.byteLength : body.length;
  if (length === undefined) return [["transfer-encoding", "chunked"]];
  return [["content-length", String(length)]];
}
