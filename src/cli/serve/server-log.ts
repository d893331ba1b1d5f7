import { type Level, pino } from "pino";
import type { Report, RequestEvent, ServerEvent } from "../../server/server-event.ts";
import type { LogSettings } from "../../server/shell/settings.ts";
import { formatKeyValue, formatPlain, type LogFields } from "../log.ts";
import type { Terminal } from "../terminal.ts";
import { redactUrl } from "./redact-url.ts";

/** Writes events down: lines of JSON on standard error, or of text on a terminal. */
export function createServerLog(settings: LogSettings, terminal: Terminal): Report {
  const format = settings.format ?? (terminal.stderrIsTty ? "text" : "json");
  const write = format === "json" ? jsonLines(settings) : textLines(settings, terminal);
  return (event) => {
    const line = lineOf(event, settings);
    if (line) write(line);
  };
}

interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
  readonly fields: LogFields;
  readonly error?: unknown;
}

/** Events of which there are figures make no line, but for requests. */
function lineOf(event: ServerEvent, settings: LogSettings): LogLine | undefined {
  if (event.type === "request") return settings.requests ? requestLine(event) : undefined;
  if (event.type !== "message") return undefined;
  const { level, text, fields = {}, error } = event;
  return { level, text, fields, ...(error !== undefined && { error }) };
}

function requestLine(event: RequestEvent): LogLine {
  const { method, url, status, caller, durationMs, bytesIn, bytesOut, operation } = event;
  return {
    level: status >= 500 ? "error" : "info",
    text: "request",
    fields: {
      method,
      url: redactUrl(url),
      status,
      operation,
      ...(caller && { address: caller.address }),
      ...(caller?.user !== undefined && { user: caller.user }),
      ms: Math.round(durationMs * 10) / 10,
      in: bytesIn,
      out: bytesOut,
      ...(event.userAgent !== undefined && { agent: event.userAgent.slice(0, 200) }),
      ...(!event.complete && { complete: false }),
    },
  };
}

/** Lines are written while the next are made; what waits when the process ends is written then. */
function jsonLines(settings: LogSettings): (line: LogLine) => void {
  const destination = pino.destination({ fd: 2, sync: false });
  process.once("exit", () => destination.flushSync());
  const lines = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level: string) => ({ level }) },
    },
    destination,
  );
  return ({ level, text, fields, error }) =>
    lines[level as Level]({ ...fields, ...(error !== undefined && { err: error }) }, text);
}

const ranks = { debug: 0, info: 1, warn: 2, error: 3 };

function textLines(settings: LogSettings, terminal: Terminal): (line: LogLine) => void {
  const format = terminal.stderrIsTty ? formatPlain : formatKeyValue;
  return ({ level, text, fields, error }) => {
    if (ranks[level] < ranks[settings.level]) return;
    const message = error instanceof Error ? `${text}: ${error.message}` : text;
    const entry = { level: level === "warn" ? "warning" : level, message, fields } as const;
    terminal.err(`${format({ ...entry, time: new Date() })}\n`);
  };
}
