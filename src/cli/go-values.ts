import { goQuote } from "../core/go-quote.ts";

/** Text that is no value of its flag's type; the message is Go's. */
export class ValueError extends Error {}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** Go's strconv.ParseBool. @throws {ValueError} */
export function parseGoBool(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw numberError("ParseBool", text, "invalid syntax");
}

const UNSIGNED =
  /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;

/** Go's strconv.ParseInt(text, 0, 64): prefixes 0x, 0o, 0b and 0, and underscores between digits. @throws {ValueError} */
export function parseGoInt(text: string): number {
  const negative = text.startsWith("-");
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  if (!UNSIGNED.test(digits)) throw numberError("ParseInt", text, "invalid syntax");
  const size = baseZero(digits);
  if (size > (negative ? 1n << 63n : (1n << 63n) - 1n))
    throw numberError("ParseInt", text, "value out of range");
  return Number(negative ? -size : size);
}

/** Go's strconv.ParseUint(text, 0, 64). @throws {ValueError} */
export function parseGoUint(text: string): number {
  if (!UNSIGNED.test(text)) throw numberError("ParseUint", text, "invalid syntax");
  const value = baseZero(text);
  if (value >= 1n << 64n) throw numberError("ParseUint", text, "value out of range");
  return Number(value);
}

/** Go's strconv.Atoi: decimal, with an optional sign. @throws {ValueError} */
export function parseGoDecimal(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw numberError("Atoi", text, "invalid syntax");
  const value = BigInt(text.replace(/^\+/, ""));
  if (BigInt.asIntN(64, value) !== value) throw numberError("Atoi", text, "value out of range");
  return Number(value);
}

function baseZero(digits: string): bigint {
  const plain = digits.replaceAll("_", "").toLowerCase();
  return BigInt(/^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain);
}

function numberError(call: string, text: string, reason: string): ValueError {
  return new ValueError(`strconv.${call}: parsing ${goQuote(text)}: ${reason}`);
}

const NANOSECONDS: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["\u00b5s", 1e3],
  ["\u03bcs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

/** Go's time.ParseDuration (`1h15m30.5s`), in milliseconds. @throws {ValueError} */
export function parseGoDuration(text: string): number {
  const invalid = new ValueError(`time: invalid duration ${quoteDuration(text)}`);
  const negative = text.startsWith("-");
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") throw invalid;
  let total = 0;
  while (rest !== "") {
    const number = /^[0-9]*(?:\.[0-9]*)?/.exec(rest)?.[0] ?? "";
    if (!/[0-9]/.test(number)) throw invalid;
    rest = rest.slice(number.length);
    const unit = /^[^.0-9]*/.exec(rest)?.[0] ?? "";
    total += Number(number) * nanoseconds(unit, text);
    if (total > 2 ** 63) throw invalid;
    rest = rest.slice(unit.length);
  }
  return (negative ? -total : total) / 1e6;
}

function nanoseconds(unit: string, text: string): number {
  if (unit === "") throw new ValueError(`time: missing unit in duration ${quoteDuration(text)}`);
  const found = NANOSECONDS.get(unit);
  if (found === undefined)
    throw new ValueError(
      `time: unknown unit ${quoteDuration(unit)} in duration ${quoteDuration(text)}`,
    );
  return found;
}

/** Package time quotes byte by byte, unlike the rest of Go. */
function quoteDuration(text: string): string {
  const bytes = Array.from(Buffer.from(text), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    const plain = byte >= 0x20 && byte < 0x80;
    return plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${bytes.join("")}"`;
}
