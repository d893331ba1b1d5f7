import { compareUtf8 } from "./utf8.ts";

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/**
 * A string as Go's encoding/json writes it.
 *
 * @param html whether `<`, `>` and `&` are escaped, as `json.Marshal` does
 */
export function goString(text: string, html = true): string {
  const special = html ? /["\\\x00-\x1f<>&\u2028\u2029]|\p{Cs}/gu : plainSpecial;
  return `"${text.replace(special, escapeCharacter)}"`;
}

const plainSpecial = /["\\\x00-\x1f\u2028\u2029]|\p{Cs}/gu;

function escapeCharacter(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  // Half a surrogate pair stands for a byte that was no UTF-8.
  const written = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
  return `\\u${written.toString(16).padStart(4, "0")}`;
}

/** A Go map with string keys: sorted by their bytes. Values are JSON already. */
export function goMap(entries: Iterable<readonly [key: string, json: string]>): string {
  const sorted = [...entries].sort(([a], [b]) => compareUtf8(a, b));
  return `{${sorted.map(([key, json]) => `${goString(key)}:${json}`).join(",")}}`;
}

/**
 * JSON as `json.Marshal` writes a RawMessage: without white space, `<`, `>`, `&`, U+2028 and U+2029 escaped, every
 * other character and escape as it was.
 */
export function goCompact(json: string): string {
  return mapOutsideStrings(json, (part) => part.replace(/[ \t\r\n]+/g, "")).replace(
    /[<>&\u2028\u2029]/g,
    escapeCharacter,
  );
}

/** Compact JSON as `json.Indent` spreads it; empty arrays and objects stay closed. */
export function goIndent(json: string, indent: string): string {
  let line = "\n";
  const spread = (mark: string): string => {
    switch (mark) {
      case "{":
      case "[":
        line += indent;
        return mark + line;
      case "}":
      case "]":
        line = line.slice(0, line.length - indent.length);
        return line + mark;
      case ",":
        return mark + line;
      default:
        return mark === ":" ? ": " : mark;
    }
  };
  return mapOutsideStrings(json, (part) => part.replace(/\{\}|\[\]|[[\]{},:]/g, spread));
}

/** A loop, not a pattern: a string of a million escapes would overflow the pattern's stack. */
function mapOutsideStrings(json: string, change: (part: string) => string): string {
  const pieces: string[] = [];
  let at = 0;
  for (let open = json.indexOf('"'); open >= 0; open = json.indexOf('"', at)) {
    const close = endOfString(json, open);
    pieces.push(change(json.slice(at, open)), json.slice(open, close));
    at = close;
  }
  pieces.push(change(json.slice(at)));
  return pieces.join("");
}

function endOfString(json: string, open: number): number {
  let at = open + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}
