import { escapeControls, goQuote } from "../core/go-quote.ts";
import { formatLocalTime } from "./go-time.ts";

/** How bad it is; "fatal" ends the run. */
export type Level = "debug" | "info" | "warning" | "error" | "fatal";

/** What belongs to a message, printed in the order of the names. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** One message with what belongs to it. */
export interface LogEntry {
  readonly level: Level;
  readonly message: string;
  readonly fields: LogFields;
  readonly time: Date;
}

/** Where messages for the user go; never results. */
export interface Log {
  /** Whether lines are JSON objects, which may say more than text does. */
  readonly isJson: boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
}

/** Makes a line of an entry, without its line end. */
export type Formatter = (entry: LogEntry) => string;

/** Builds a log that writes whole lines. */
export function createLog(options: {
  readonly write: (line: string) => void;
  readonly format: Formatter;
  readonly debug: boolean;
  readonly now: () => Date;
  readonly isJson: boolean;
}): Log {
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}) => {
      if (level === "debug" && !options.debug) return;
      options.write(`${options.format({ level, message, fields, time: options.now() })}\n`);
    };
  return {
    isJson: options.isJson,
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    fatal: at("fatal"),
  };
}

/** Logrus's text for logs: `time="…" level=fatal msg="…" key=value`. */
export const formatKeyValue: Formatter = ({ level, message, fields, time }) =>
  [
    `time=${quoteValue(formatLocalTime(time))}`,
    `level=${level}`,
    `msg=${quoteValue(message)}`,
    ...sorted(fields).map(([key, value]) => `${key}=${quoteValue(String(value))}`),
  ].join(" ");

const COLOURS: Readonly<Record<Level, number>> = {
  debug: 37,
  info: 36,
  warning: 33,
  error: 31,
  fatal: 31,
};

/** Logrus's text for terminals: `FATA[0000] …`, in colour, with the seconds since `start`. */
export function terminalFormatter(start: Date): Formatter {
  return ({ level, message, fields, time }) => {
    const seconds = Math.max(0, Math.floor((time.getTime() - start.getTime()) / 1000));
    const colour = `\x1b[${COLOURS[level]}m`;
    const head = `${colour}${level.slice(0, 4).toUpperCase()}\x1b[0m[${String(seconds).padStart(4, "0")}]`;
    const tail = sorted(fields).map(
      ([key, value]) => ` ${colour}${key}\x1b[0m=${quoteValue(String(value))}`,
    );
    return `${head} ${escapeControls(message.replace(/\n$/, "")).padEnd(44)} ${tail.join("")}`;
  };
}

const OUR_WORDS: Readonly<Record<Level, string>> = {
  debug: "debug",
  info: "info",
  warning: "warning",
  error: "error",
  fatal: "error",
};

/** Our own text for terminals: `error: …`, further lines set in below the first. */
export const formatPlain: Formatter = ({ level, message, fields }) => {
  const word = `${OUR_WORDS[level]}: `;
  const text = escapeControls(message).replaceAll("\n", `\n${" ".repeat(word.length)}`);
  const tail = sorted(fields).map(([key, value]) => ` ${key}=${quoteValue(String(value))}`);
  const painted = `\x1b[1;${COLOURS[level]}m${word.trimEnd()}\x1b[0m`;
  return `${painted} ${text}${tail.join("")}`;
};

/** One JSON object a line: time, level, msg and the fields. */
export const formatJson: Formatter = ({ level, message, fields, time }) =>
  JSON.stringify({ time: time.toISOString(), level, msg: message, ...fields });

function sorted(fields: LogFields): [string, string | number | boolean][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

function quoteValue(text: string): string {
  return /^[A-Za-z0-9\-._/@^+]*$/.test(text) ? text : goQuote(text);
}
