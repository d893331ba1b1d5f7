import { printable } from "../../registry/printable.ts";

/** Longest reason that clients are told, prefix included. */
export const maxReasonLength = 512;

/** What of a reason stays in the house. */
export interface Discretion {
  /** Whether files and addresses may be told. */
  readonly showDetails: boolean;
  /** Files that the policy names, as it names them. */
  readonly files: readonly string[];
}

/** Paths, and addresses with what may stand in them; names of images begin with neither. */
const path = /(^|[\s"'(=[])(?:file:\/\/)?\/[^\s"'();,:\]]+/g;
const address = /\b(?:https?|file):\/\/[^\s"'();,\]]+/g;

/** A reason as clients print it: `policy: …`, one line, printable, short, and discreet. */
export function clientReason(text: string, discretion: Discretion): string {
  const line = printable(discreet(text, discretion).replaceAll(/\s+/g, " ").trim());
  const whole = `policy: ${line}`;
  return whole.length <= maxReasonLength ? whole : `${cut(whole, maxReasonLength - 1)}…`;
}

/** `text` without the files and addresses of this server, unless they may be told. */
export function discreet(text: string, { showDetails, files }: Discretion): string {
  if (showDetails) return text;
  const named = [...files]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, file) => rest.replaceAll(file, "[file]"), text);
  return named.replaceAll(address, "[address]").replaceAll(path, "$1[file]");
}

/** At most `length` code units, and no half of a character. */
function cut(text: string, length: number): string {
  const short = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short;
}
