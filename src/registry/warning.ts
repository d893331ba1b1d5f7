import { printable } from "./printable.ts";

/** The texts of `Warning: 299 - "…"` headers, printable — OCI distribution-spec § Warnings. At most 4096 bytes are looked at. */
export function readWarnings(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  let left = 4096;
  for (const line of lines) {
    if (line.length > left) break;
    left -= line.length;
    const text = /^299 - "((?:[^"\\]|\\.)*)"$/s.exec(line.trim())?.[1];
    if (text !== undefined) texts.push(printable(text.replace(/\\(.)/gs, "$1")));
  }
  return texts;
}
