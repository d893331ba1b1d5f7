import type { Report } from "../../server/server-event.ts";
import type { Level, Log, LogFields } from "../log.ts";

/** A log for parts of the command line, whose lines become a server's. */
export function reportLog(report: Report): Log {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (text: string, fields: LogFields = {}) =>
      report({ type: "message", level, text, fields });
  const levels: Record<Level, ReturnType<typeof at>> = {
    debug: at("debug"),
    info: at("info"),
    warning: at("warn"),
    error: at("error"),
    fatal: at("error"),
  };
  return { isJson: true, ...levels };
}
