import { goQuote } from "../../core/go-quote.ts";
import { parseGoInt, parseGoUint, ValueError } from "../go-values.ts";
import type { Constant } from "./nodes.ts";

/** A literal that Go would not take; the message is Go's. */
export class LiteralError extends Error {}

/** Reads a number or, in single quotes, a character. @throws {LiteralError} */
export function parseConstant(text: string): Constant {
  if (text.startsWith("'")) return parseCharacter(text);
  if (text.endsWith("i")) return parseComplex(text);
  const int = parseInteger(text);
  if (int !== undefined) return { int, float: Number(int), ideal: "int" };
  const float = parseFloatText(text);
  const looksInt = !/[.eEpP]/.test(text);
  if (float === undefined) throw new LiteralError(`illegal number syntax: ${goQuote(text)}`);
  if (looksInt) throw new LiteralError(`integer overflow: ${goQuote(text)}`);
  return Number.isSafeInteger(float)
    ? { int: BigInt(float), float, ideal: "float" }
    : { float, ideal: "float" };
}

function parseInteger(text: string): bigint | undefined {
  try {
    const value =
      text.startsWith("-") || text.startsWith("+") ? parseGoInt(text) : parseGoUint(text);
    if (Number.isSafeInteger(value)) return BigInt(value);
    return BigInt(text.replaceAll("_", "").replace(/^\+/, ""));
  } catch (error) {
    if (error instanceof ValueError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parseFloatText(text: string): number | undefined {
  const plain = text.replaceAll("_", "");
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(plain)) return Number(plain);
  return undefined;
}

function parseComplex(text: string): Constant {
  const body = text.slice(0, -1);
  const split = /^(.+[^eE])([+-].*)$/s.exec(body);
  const real = split ? parseFloatText(split[1] ?? "") : 0;
  const imaginary = parseFloatText(split?.[2] ?? body);
  if (real === undefined || imaginary === undefined)
    throw new LiteralError(`illegal number syntax: ${goQuote(text)}`);
  return { complex: [real, imaginary], ideal: "complex" };
}

function parseCharacter(text: string): Constant {
  const body = unquoteBody(text.slice(1, -1), "'");
  const characters = Array.from(body);
  if (characters.length !== 1) throw new LiteralError(`malformed character constant: ${text}`);
  const code = characters[0]?.codePointAt(0) ?? 0;
  return { int: BigInt(code), float: code, ideal: "int" };
}

/** Go's strconv.Unquote, of double quotes and back quotes. @throws {LiteralError} */
export function unquote(quoted: string): string {
  if (quoted.startsWith("`")) return quoted.slice(1, -1).replaceAll("\r", "");
  return unquoteBody(quoted.slice(1, -1), '"');
}

const ESCAPE =
  /\\(?:([abfnrtv\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(["'])|)/g;

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
};

/** Escapes of bytes may together make a character, so the whole goes through bytes. */
function unquoteBody(body: string, quote: string): string {
  const bytes: number[] = [];
  let at = 0;
  for (const match of body.matchAll(ESCAPE)) {
    bytes.push(...Buffer.from(body.slice(at, match.index)), ...escaped(match, quote));
    at = match.index + match[0].length;
  }
  bytes.push(...Buffer.from(body.slice(at)));
  return Buffer.from(bytes).toString();
}

function escaped(match: RegExpExecArray, quote: string): Iterable<number> {
  const [, simple, hex, short, long, octal, mark] = match;
  if (simple !== undefined) return [SIMPLE[simple] ?? 0];
  const byte = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(octal ?? "", 8);
  if (byte < 256) return [byte];
  const code = Number.parseInt(short ?? long ?? "", 16);
  if (code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000))
    return Buffer.from(String.fromCodePoint(code));
  if (mark === quote) return Buffer.from(mark);
  throw new LiteralError("invalid syntax");
}
