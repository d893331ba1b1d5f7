import { hash } from "node:crypto";
import type { AuditEvent } from "../audit.ts";

/*
 * A line of the log is a JSON object and a line feed:
 *
 *   {"seq":7,"time":"2026-11-27T07:00:00.000Z","previous":"<64 hex>","type":"pull",…}
 *
 * `previous` is the SHA-256 of the line before, without its line feed; of the first line it is 64 zeros. `seq` counts from 1,
 * through all files of a log. A line's own hash is nowhere but in the next line.
 */

/** Where a log is: its last line's number, and that line's hash. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
}

/** Before the first line. */
export const noHead: AuditHead = { sequence: 0, hash: "0".repeat(64) };

/** A line, read. */
export interface AuditLine extends AuditEvent {
  readonly seq: number;
  readonly time: string;
  readonly previous: string;
}

/** Longer ones nobody wrote. */
export const maxLineBytes = 256 * 1024;
const maxTextLength = 4096;

/** The line that follows `head`, without its line feed, and the head that it becomes. */
export function chainEvent(
  head: AuditHead,
  event: AuditEvent,
  time: number,
): { readonly line: string; readonly head: AuditHead } {
  const sequence = head.sequence + 1;
  const begin = { seq: sequence, time: new Date(time).toISOString(), previous: head.hash };
  const line = JSON.stringify({ ...begin, ...event }, shortened);
  return { line, head: { sequence, hash: hashLine(line) } };
}

/** SHA-256 of a line without its line feed, in hex. */
export function hashLine(line: string | Uint8Array): string {
  return hash("sha256", line);
}

/** Undefined where it is no line of a log; whether it is chained rightly is not looked at. */
export function parseAuditLine(line: string): AuditLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isAuditLine(value) ? value : undefined;
}

function isAuditLine(value: unknown): value is AuditLine {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { seq, time, previous, type, ...rest } = value as Readonly<Record<string, unknown>>;
  return (
    Number.isSafeInteger(seq) &&
    typeof time === "string" &&
    typeof previous === "string" &&
    /^[0-9a-f]{64}$/.test(previous) &&
    typeof type === "string" &&
    Object.values(rest).every((member) => typeof member === "string")
  );
}

function shortened(_name: string, value: unknown): unknown {
  return typeof value === "string" && value.length > maxTextLength
    ? `${value.slice(0, maxTextLength)}…`
    : value;
}
