import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { parseGoDuration, ValueError } from "../go-values.ts";

// until    = duration / time / seconds
// duration = as Go writes them, before now
// time     = date [ "T" hh [ ":" mm [ ":" ss [ "." 1*digit ] ] ] ] [ "Z" / ( "+" / "-" ) hh ":" mm ]     without a zone: the one of now
// seconds  = 1*digit [ "." 1*digit ]                                                              since 1970

const time = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/** The moment that podman's `until` means, in milliseconds since 1970. @throws {UsageError} `usage.bad-flag` */
export function parseUntil(text: string, now: number): number {
  const ms = ago(text, now) ?? moment(text, now) ?? seconds(text);
  if (ms !== undefined && !Number.isNaN(ms)) return ms;
  throw new UsageError(
    "usage.bad-flag",
    `failed to parse value as time or duration: ${goQuote(text)}`,
    { hint: "Say how long ago, as 24h, or when, as 2026-11-27 or 2026-11-27T20:00:00Z" },
  );
}

/** Whole seconds count. */
function ago(text: string, now: number): number | undefined {
  if (text === "0") return undefined;
  try {
    return Math.floor((now - parseGoDuration(text)) / 1000) * 1000;
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}

function moment(text: string, now: number): number | undefined {
  const found = time.exec(text);
  if (!found) return undefined;
  const [, date = "", hours = "00", minutes = "00", secs = "00", fraction = "", zone] = found;
  const utc = Date.parse(`${date}T${hours}:${minutes}:${secs}${fraction}${zone ?? "Z"}`);
  const isReal = new Date(`${date}T00:00:00Z`).toJSON()?.startsWith(date);
  if (!isReal) return undefined;
  return zone === undefined ? utc + new Date(now).getTimezoneOffset() * 60_000 : utc;
}

function seconds(text: string): number | undefined {
  return /^[+-]?\d{1,15}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
}
