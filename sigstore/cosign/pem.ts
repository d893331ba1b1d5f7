import { decodeGoBase64 } from "../../src/core/go-base64.ts";

/** One block of PEM: RFC 7468, with RFC 1421's headers. */
export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
  /** What stands behind the block; "" where nothing does but its own end of line. */
  readonly rest: string;
}

const begin = "-----BEGIN ";
const dashes = "-----";

/** Each start of a block that is none costs a search for its end. */
const maxFalseStarts = 100;

/** The first block of `text`, whatever stands before it, as Go's `pem.Decode`; undefined where there is none. */
export function decodePem(text: string): PemBlock | undefined {
  let at = text.startsWith(begin) ? 0 : nextBegin(text, 0);
  for (let tries = 0; at >= 0 && tries < maxFalseStarts; tries++) {
    const block = blockAt(text, at);
    if (block) return block;
    at = nextBegin(text, at);
  }
  return undefined;
}

/** Bytes as a PEM block of lines of 64 characters. */
export function encodePem(type: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n");
  return `${begin}${type}${dashes}\n${lines}\n-----END ${type}${dashes}\n`;
}

/** Bytes as text of which {@link decodePem} makes the same bytes. */
export function pemText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function nextBegin(text: string, from: number): number {
  const found = text.indexOf(`\n${begin}`, from);
  return found < 0 ? -1 : found + 1;
}

function blockAt(text: string, start: number): PemBlock | undefined {
  const endOfLine = text.indexOf("\n", start);
  if (endOfLine < 0) return undefined;
  const line = trimLine(text.slice(start + begin.length, endOfLine));
  if (!line.endsWith(dashes)) return undefined;
  const type = line.slice(0, -dashes.length);
  const endMark = `\n-----END ${type}${dashes}`;
  const end = text.indexOf(endMark, endOfLine);
  if (end < 0) return undefined;
  const tail = end + endMark.length;
  const next = text.indexOf("\n", tail);
  if (trimLine(text.slice(tail, next < 0 ? undefined : next)) !== "") return undefined;
  const body = startOfBody(text, endOfLine + 1, end);
  const bytes = decodeBody(text.slice(body, end));
  const rest = next < 0 ? "" : text.slice(next + 1);
  return bytes && { type, hasHeaders: body > endOfLine + 1, bytes, rest };
}

/** Behind the lines that have a colon. */
function startOfBody(text: string, start: number, end: number): number {
  let at = start;
  for (;;) {
    const endOfLine = text.indexOf("\n", at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon >= end || endOfLine < colon) return at;
    at = endOfLine + 1;
  }
}

/** A loop: a pattern that looks for white space at the end is quadratic. */
function trimLine(line: string): string {
  let end = line.length;
  while (end > 0 && " \t\r".includes(line[end - 1] ?? "")) end -= 1;
  return line.slice(0, end);
}

function decodeBody(text: string): Buffer | undefined {
  try {
    return Buffer.from(decodeGoBase64(text.replace(/[ \t]+/g, "")));
  } catch {
    return undefined;
  }
}
