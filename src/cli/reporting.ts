import { KnownError } from "../core/errors.ts";
import { escapeControls } from "../core/go-quote.ts";
import { withoutFolder } from "../core/working-folder.ts";
import { isInterruption } from "./exit-codes.ts";
import { hintFor } from "./hints.ts";
import {
  createLog,
  type Formatter,
  formatJson,
  formatKeyValue,
  formatPlain,
  type Log,
  terminalFormatter,
} from "./log.ts";
import type { GlobalSettings } from "./settings.ts";
import type { ProgramName } from "./specs/spec.ts";
import type { Terminal } from "./terminal.ts";

/** The log of this run; before the flags are read there are no settings yet. */
export function startLog(
  program: ProgramName,
  terminal: Terminal,
  settings?: Pick<GlobalSettings, "debug" | "logFormat">,
): Log {
  return createLog({
    write: terminal.err,
    format: formatter(program, terminal, settings?.logFormat ?? "text"),
    debug: settings?.debug ?? false,
    now: () => new Date(),
    isJson: settings?.logFormat === "json",
  });
}

/** Whether there is a terminal is asked with the first line: most runs write none. */
function formatter(
  program: ProgramName,
  terminal: Terminal,
  logFormat: GlobalSettings["logFormat"],
): Formatter {
  if (logFormat === "json") return formatJson;
  const onTerminal = program === "skopeo" ? terminalFormatter(new Date()) : formatPlain;
  return (entry) => (terminal.stderrIsTty ? onTerminal : formatKeyValue)(entry);
}

/** Tells of the failure that ends the run. A hint follows only on a terminal, and never as skopeo. */
export function reportFailure(
  error: unknown,
  { program, terminal, log }: { program: ProgramName; terminal: Terminal; log: Log },
): void {
  const known = knownIn(error) ?? withoutFolder(error);
  if (known) reportKnown(known, program, terminal, log);
  else reportBug(error, terminal, log);
}

/** What Node calls off says so, and has the reason for its cause. */
function knownIn(error: unknown): KnownError | undefined {
  if (error instanceof KnownError) return error;
  const isAbort = error instanceof Error && error.name === "AbortError";
  return isAbort && error.cause instanceof KnownError ? error.cause : undefined;
}

function reportKnown(error: KnownError, program: ProgramName, terminal: Terminal, log: Log): void {
  if (isInterruption(error)) return;
  log.fatal(error.message, log.isJson ? { code: error.code } : {});
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    log.debug(`caused by: ${cause.stack ?? cause.message}`);
  const hint = hintFor(error);
  if (program !== "skopeo" && terminal.stderrIsTty && !log.isJson && hint !== undefined)
    terminal.err(`\x1b[1mhint:\x1b[0m  ${escapeControls(hint)}\n`);
}

function reportBug(error: unknown, terminal: Terminal, log: Log): void {
  log.fatal(`internal error: ${error instanceof Error ? error.message : String(error)}`);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(
    `${escapeControls(stack)}\nThis is a bug in amphora. Please report it, with the lines above, where you got amphora from.\n`,
  );
}
