import type { FlagValues } from "./flags.ts";
import type { Log } from "./log.ts";
import type { Parts } from "./parts.ts";
import type { GlobalSettings } from "./settings.ts";
import type { CommandSpec, ProgramName } from "./specs/spec.ts";
import type { Terminal } from "./terminal.ts";

/** What a command is run with. */
export interface CommandContext {
  readonly program: ProgramName;
  /** Ours, whatever we are called. */
  readonly version: string;
  /** The command, and what it is below. */
  readonly path: readonly CommandSpec[];
  /** The command's flags; the program's are in `globals` and, read, in `settings`. */
  readonly flags: FlagValues;
  readonly globals: FlagValues;
  readonly args: readonly string[];
  readonly settings: GlobalSettings;
  readonly terminal: Terminal;
  readonly log: Log;
  /** Aborts on SIGINT, SIGTERM and when `--command-timeout` is over. */
  readonly signal: AbortSignal;
  /** Built when first asked for. */
  parts(): Promise<Parts>;
}

/** A command's module, `commands/NAME.ts`, exports this as `run`. A failure is thrown. */
export type RunCommand = (context: CommandContext) => Promise<void>;
