import { type Flag, FlagValues, standsAlone } from "./flags.ts";
import { FlagTable, parseArgs } from "./parse-args.ts";
import { commandsOf } from "./specs/all.ts";
import { globalFlags, helpFlag, versionFlag } from "./specs/globals.ts";
import type { CommandSpec, ProgramName } from "./specs/spec.ts";

/** A command line, read. */
export interface Invocation {
  readonly program: ProgramName;
  /** The command and what it is below; empty for the program itself. */
  readonly path: readonly CommandSpec[];
  readonly flags: FlagValues;
  /** The program's own flags, even where the command has one of the same name. */
  readonly globals: FlagValues;
  /** What is no flag. */
  readonly args: readonly string[];
}

/** The flags a command has of its own, and the program's that it does not hide by one of the same name. */
export function flagsOf(
  program: ProgramName,
  path: readonly CommandSpec[],
): { readonly own: readonly Flag[]; readonly inherited: readonly Flag[] } {
  const command = path.at(-1);
  const help = helpFlag(command?.name ?? program);
  if (!command)
    return { own: known(program, [...globalFlags, versionFlag(program), help]), inherited: [] };
  const own = known(program, [...command.flags, help]);
  const names = new Set(own.map((flag) => flag.name));
  const inherited = globalFlags.filter((flag) => !names.has(flag.name));
  return { own, inherited: known(program, inherited) };
}

function known(program: ProgramName, flags: readonly Flag[]): readonly Flag[] {
  return program === "skopeo" ? flags.filter((flag) => !flag.ours) : flags;
}

/**
 * Finds the command among flags as cobra does (its "traverse children" way), and parses the rest for it. Flags before
 * the command's name must be the program's own; a flag that takes a value takes the next word even where that names a
 * command.
 *
 * @throws {UsageError} `usage.bad-flag`
 */
export function readCommandLine(program: ProgramName, args: readonly string[]): Invocation {
  const rootFlags = known(program, [...globalFlags, versionFlag(program)]);
  const globals = new FlagValues(rootFlags);
  const path: CommandSpec[] = [];
  let rest = args;
  let children: readonly CommandSpec[] = commandsOf(program);
  for (;;) {
    // Below the program itself cobra does not know the global flags yet, so there they all take the next word.
    const flags = path.length === 0 ? rootFlags : (path.at(-1)?.flags ?? []);
    const at = findName(rest, new FlagTable(flags), children);
    if (at === undefined) break;
    const before = rest.slice(0, at.position);
    if (path.length === 0) parseArgs(before, new FlagTable(rootFlags), globals);
    rest =
      path.length === 0 ? rest.slice(at.position + 1) : [...before, ...rest.slice(at.position + 1)];
    path.push(at.command);
    children = at.command.children ?? [];
  }
  return parseFor(program, path, globals, rest);
}

function parseFor(
  program: ProgramName,
  path: readonly CommandSpec[],
  globals: FlagValues,
  rest: readonly string[],
): Invocation {
  const { own, inherited } = flagsOf(program, path);
  const flags = new FlagValues(own, globals);
  const args = parseArgs(rest, new FlagTable([...own, ...inherited]), flags);
  return { program, path, flags, globals, args };
}

interface FoundName {
  readonly command: CommandSpec;
  readonly position: number;
}

/** The first word that is neither a flag nor, as far as the table tells, a flag's value; if it names a command. */
function findName(
  args: readonly string[],
  table: FlagTable,
  commands: readonly CommandSpec[],
): FoundName | undefined {
  let isValue = false;
  for (const [position, arg] of args.entries()) {
    const takes = takesNext(arg, table);
    if (takes !== undefined) isValue = takes;
    else if (isValue) isValue = false;
    else if (!/^-./s.test(arg)) {
      const command = commands.find((spec) => spec.name === arg);
      return command && { command, position };
    }
  }
  return undefined;
}

/** Of a flag that gives no value itself, whether the next word is it; undefined for all other words. */
function takesNext(arg: string, table: FlagTable): boolean | undefined {
  if (arg.includes("=")) return undefined;
  if (arg.startsWith("--")) {
    const flag = table.named(arg.slice(2));
    return !(flag && standsAlone(flag));
  }
  if (!/^-.$/s.test(arg)) return undefined;
  const flag = table.short(arg.slice(1));
  return flag && standsAlone(flag) ? undefined : true;
}
