import { flagsOf } from "./find-command.ts";
import { type Flag, standsAlone } from "./flags.ts";
import { allCommands, commandsOf } from "./specs/all.ts";
import type { CommandSpec, ProgramName } from "./specs/spec.ts";

const ROOT_LONG = "Various operations with container images and container image registries";

/** The help text of a command, or with an empty path of the program: what it is for, and how it is used. */
export function helpText(program: ProgramName, path: readonly CommandSpec[]): string {
  const command = path.at(-1);
  const long = command ? (command.long?.(program) ?? command.short) : ROOT_LONG;
  return `${long.replace(/\s+$/, "")}\n\n${usageText(program, path)}`;
}

/** How a command is used: its forms, examples, commands below it and flags. */
export function usageText(
  program: ProgramName,
  path: readonly CommandSpec[],
  options: { readonly withHelpFlag?: boolean } = {},
): string {
  const { own, inherited } = flagsOf(program, path);
  const shown = options.withHelpFlag === false ? own.filter((flag) => flag.name !== "help") : own;
  const command = path.at(-1);
  return command?.layout === "plain"
    ? plainUsage(program, command, shown)
    : indentedUsage(program, path, shown, inherited);
}

/** The layout that skopeo gives its own commands. */
function plainUsage(program: ProgramName, command: CommandSpec, own: readonly Flag[]): string {
  const { use, examples: more = [] } = (program === "skopeo" ? undefined : command.besides) ?? {};
  const uses = [command.use, ...(use === undefined ? [] : [use])];
  const examples = [...(command.examples ?? []), ...more]
    .map((line) => `${program} ${line}`)
    .join("\n");
  return [
    `Usage:\n${uses.map((line) => `${program} ${line}`).join("\n")}`,
    examples === "" ? "" : `\n\nExamples:\n${examples}`,
    `\n\nFlags:\n${flagLines(own)}\n`,
    program === "skopeo" ? "" : `\nFlags of every command: ${program} --help`,
    "\n",
  ].join("");
}

/** Cobra's own layout, which its help and completion commands have, and the program itself. */
function indentedUsage(
  program: ProgramName,
  path: readonly CommandSpec[],
  own: readonly Flag[],
  inherited: readonly Flag[],
): string {
  const command = path.at(-1);
  const name = [program, ...path.map((spec) => spec.name)].join(" ");
  const children = command ? (command.children ?? []) : commandsOf(program);
  const all = command ? children : allCommands.filter((spec) => commandsOf(program).includes(spec));
  const parts = [`Usage:`];
  if (!command) parts.push(`\n  ${program} [flags]`);
  else if (!command.children) parts.push(`\n  ${program} ${command.use}`);
  if (children.length > 0)
    parts.push(`\n  ${name} [command]`, `\n\nAvailable Commands:\n${commandLines(children, all)}`);
  parts.push(`\n\nFlags:\n${flagLines(own)}`);
  if (inherited.length > 0) parts.push(`\n\nGlobal Flags:\n${flagLines(inherited)}`);
  if (children.length > 0)
    parts.push(`\n\nUse "${name} [command] --help" for more information about a command.`);
  return `${parts.join("")}\n`;
}

function commandLines(children: readonly CommandSpec[], all: readonly CommandSpec[]): string {
  const width = Math.max(11, ...all.map((spec) => spec.name.length));
  return children
    .filter((spec) => !spec.hidden)
    .toSorted((a, b) => compareBytes(a.name, b.name))
    .map((spec) => `  ${spec.name.padEnd(width)} ${spec.short}`)
    .join("\n");
}

/** The flags that are not hidden, by name, their usages in one column. */
export function flagLines(flags: readonly Flag[]): string {
  const rows = flags
    .filter((flag) => !flag.hidden)
    .toSorted((a, b) => compareBytes(a.name, b.name))
    .map((flag) => {
      const { value, usage } = describeFlag(flag);
      const head = `${flag.short ? `  -${flag.short}, ` : "      "}--${flag.name}`;
      return { head: value === "" ? head : `${head} ${value}`, usage };
    });
  const width = Math.max(...rows.map((row) => row.head.length));
  return rows.map((row) => `${row.head.padEnd(width)}   ${row.usage}`.trimEnd()).join("\n");
}

/** How the flag's value is called, empty where it takes none, and its usage without the back quotes. */
export function describeFlag(flag: Flag): { readonly value: string; readonly usage: string } {
  const quoted = /`([^`]*)`/.exec(flag.usage);
  const usage = quoted ? flag.usage.replace(quoted[0], quoted[1] ?? "") : flag.usage;
  if (quoted) return { value: quoted[1] ?? "", usage };
  if (standsAlone(flag)) return { value: "", usage };
  return { value: flag.type === "optional-string" ? "string" : flag.type, usage };
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
