import { isUtf8 } from "node:buffer";

const named: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (named[char] !== undefined) return named[char];
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** A server's text with every control, format and bidi character escaped: safe on a terminal and in a log. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** Go's `%q`. */
export function quoted(text: string): string {
  return `"${printable(text.replace(/[\\"]/g, "\\$&"))}"`;
}

/** Go's `%q` of bytes: what is not UTF-8 is written `\xNN`. */
export function quotedBytes(bytes: Uint8Array): string {
  let out = "";
  let plain = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = utf8Length(bytes, at);
    if (length === 0) {
      out += quoted(Buffer.from(bytes.subarray(plain, at)).toString()).slice(1, -1);
      out += `\\x${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
      plain = at + 1;
    }
    at += length || 1;
  }
  return `"${out}${quoted(Buffer.from(bytes.subarray(plain)).toString()).slice(1, -1)}"`;
}

/** The length of the valid UTF-8 sequence at `at`, or 0. */
function utf8Length(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const sequence = bytes.subarray(at, at + length);
  const valid = first >= 0xc2 && sequence.length === length && isUtf8(sequence);
  return valid ? length : 0;
}
