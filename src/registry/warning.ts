import { isUtf8 } from "node:buffer";
import { printable } from "./printable.ts";

/** The texts of `Warning: 299 - "…"` headers, printable — OCI distribution-spec § Warnings. At most 4096 bytes are looked at. */
export function readWarnings(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  let left = 4096;
  for (const line of lines) {
    if (line.length > left) break;
    left -= line.length;
    const text = /^299 - "((?:[^"\\]|\\.)*)"$/s.exec(line.trim())?.[1];
    if (text !== undefined) texts.push(printable(decoded(text.replace(/\\(.)/gs, "$1"))));
  }
  return texts;
}

/** Header values come as Latin-1, one character a byte; people write UTF-8. */
function decoded(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  return isUtf8(bytes) ? bytes.toString() : text;
}
