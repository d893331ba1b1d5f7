import { badResponse, endedEarly, type HttpError, type HttpPhase, shown } from "./errors.ts";

/** Status line and header block of a response. */
export interface ResponseHead {
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: 0 | 1;
  readonly status: number;
  readonly reason: string;
  readonly fields: HeaderFields;
}

/** Header fields in the order they came, names in lower case. */
export class HeaderFields {
  readonly #names: readonly string[];
  readonly #values: readonly string[];

  /** @param values of the name at the same place */
  constructor(names: readonly string[], values: readonly string[]) {
    this.#names = names;
    this.#values = values;
  }

  first(name: string): string | undefined {
    const at = this.#names.indexOf(name);
    return at === -1 ? undefined : this.#values[at];
  }

  all(name: string): readonly string[] {
    if (!this.#names.includes(name)) return [];
    return this.#values.filter((_, at) => this.#names[at] === name);
  }

  /** The members of a comma-separated list field, in lower case. */
  list(name: string): readonly string[] {
    return this.all(name)
      .flatMap((value) => value.split(","))
      .map((member) => member.trim().toLowerCase())
      .filter((member) => member !== "");
  }
}

/** Longest header block, and the most fields in it. */
export const maxHeadBytes = 64 * 1024;
const maxFields = 1000;
/** Too few for {@link maxFields}. */
const usualHeadBytes = 2000;

// Control characters other than the tab may stand nowhere; a bare CR and NUL are among them.
const fieldLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\0-\x08\x0a-\x1f\x7f]*$/;
const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: ([^\0-\x08\x0a-\x1f\x7f]*))?$/;
const headEnd = "\r\n\r\n";
const tab = 9;
const space = 32;
const lineFeed = 10;
const carriageReturn = 13;

/**
 * Collects the lines of a header block, however they are cut. Every line ends in CRLF; an empty one ends the block.
 * RFC 9112 § 2.2 lets a recipient accept a bare LF; who does so may see another message than the proxy before it.
 */
export class HeadLines {
  readonly lines: string[] = [];
  #part = Buffer.alloc(0);
  #size = 0;

  /** How many of `bytes` belong to the block; `done` once its end was among them. */
  push(bytes: Uint8Array): { readonly used: number; readonly done: boolean } {
    const whole = this.#size === 0 ? wholeHead(bytes) : undefined;
    if (whole) {
      this.lines.push(...whole.split("\r\n"));
      return { used: whole.length + headEnd.length, done: true };
    }
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(lineFeed, from);
      const piece = bytes.subarray(from, end === -1 ? undefined : end + 1);
      this.#size += piece.byteLength;
      if (this.#size > maxHeadBytes) throw tooLong();
      if (end === -1) {
        this.#part = Buffer.concat([this.#part, piece]);
        return { used: bytes.byteLength, done: false };
      }
      from = end + 1;
      if (this.#line(piece)) return { used: from, done: true };
    }
  }

  /** What is wrong where nothing more comes: a break, or a peer that never spoke HTTP. */
  atEnd(phase: HttpPhase): HttpError {
    const start = this.#part.toString("latin1");
    const other = this.lines.length === 0 && !"HTTP/".startsWith(start.slice(0, 5));
    return other ? malformed(start, 0) : endedEarly(phase, this.#size > 0);
  }

  #line(piece: Uint8Array): boolean {
    const line = this.#part.byteLength === 0 ? asBuffer(piece) : Buffer.concat([this.#part, piece]);
    this.#part = Buffer.alloc(0);
    if (line.at(-2) !== carriageReturn)
      throw malformed(line.toString("latin1", 0, line.byteLength - 1), this.lines.length);
    if (line.byteLength === 2) return true;
    const text = line.toString("latin1", 0, line.byteLength - 2);
    // Who greets with another protocol may wait for us to speak it: do not wait for the rest.
    if (this.lines.length === 0 && !text.startsWith("HTTP/")) throw malformed(text, 0);
    this.lines.push(text);
    if (this.lines.length > maxFields) throw tooLong();
    return false;
  }
}

/** @throws {HttpError} `registry.bad-response` */
export function parseHead(lines: readonly string[]): ResponseHead {
  const [first = "", ...fieldLines] = lines;
  return { ...parseStatusLine(first), fields: parseFields(fieldLines) };
}

/**
 * `field-name ":" OWS field-value OWS`, without line folding.
 *
 * @throws {HttpError} `registry.bad-response`
 */
export function parseFields(lines: readonly string[]): HeaderFields {
  const names: string[] = [];
  const values: string[] = [];
  for (const line of lines) {
    if (!fieldLine.test(line)) throw malformed(line, 1);
    const colon = line.indexOf(":");
    names.push(line.slice(0, colon).toLowerCase());
    values.push(trimmed(line, colon + 1));
  }
  return new HeaderFields(names, values);
}

/** What stands from `from` on, without spaces and tabs around it. */
function trimmed(line: string, from: number): string {
  let start = line.charCodeAt(from) === space ? from + 1 : from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(character: number): boolean {
  return character === space || character === tab;
}

/** `HTTP/1.1 200 OK`; the reason may be empty, and its space be missing. */
function parseStatusLine(line: string): Omit<ResponseHead, "fields"> {
  const [, minor, code, reason = ""] = statusLine.exec(line) ?? [];
  if (code === undefined) throw badStatusLine(line);
  return { minor: minor === "1" ? 1 : 0, status: Number(code), reason };
}

function badStatusLine(line: string): HttpError {
  const end = line.indexOf(" ");
  if (end === -1 || !line.startsWith("HTTP/")) return malformed(line, 0);
  const version = line.slice(0, end);
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") {
    return badResponse(`malformed HTTP version ${shown(version)}`);
  }
  const [code = ""] = line.slice(end + 1).split(" ", 1);
  if (/^[1-9][0-9]{2}$/.test(code)) return malformed(line, 0);
  return badResponse(`malformed HTTP status code ${shown(code)}`);
}

function malformed(line: string, lineNumber: number): HttpError {
  if (lineNumber === 0) return badResponse(`malformed HTTP response ${shown(line)}`);
  const what = line.includes(":") ? "" : "missing colon: ";
  return badResponse(`malformed MIME header: ${what}${shown(line)}`);
}

function tooLong(): HttpError {
  return badResponse(`net/http: server response headers exceeded ${maxHeadBytes} bytes; aborted`);
}

/** A head that came in one piece and is short and regular, without its end: most are. Others are looked at line by line. */
function wholeHead(bytes: Uint8Array): string | undefined {
  const buffer = asBuffer(bytes);
  const end = buffer.indexOf(headEnd, 0, "latin1");
  if (end === -1 || end > usualHeadBytes) return undefined;
  const text = buffer.toString("latin1", 0, end);
  return text.startsWith("HTTP/") && !/[^\r]\n/.test(text) ? text : undefined;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
