import { goQuoteBack } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { helpText, usageText } from "../help.ts";
import { commandsOf } from "../specs/all.ts";
import type { CommandSpec } from "../specs/spec.ts";

/** `help [COMMAND…]`: words after the last command that is known are passed over. */
export async function run({ program, args, terminal }: CommandContext): Promise<void> {
  const path: CommandSpec[] = [];
  let children = commandsOf(program);
  for (const word of args) {
    const next = children.find((spec) => spec.name === word);
    if (!next) break;
    path.push(next);
    children = next.children ?? [];
  }
  if (path.length > 0 || args.length === 0) return terminal.out(helpText(program, path));
  terminal.err(`Unknown help topic [${args.map(goQuoteBack).join(" ")}]\n`);
  terminal.err(usageText(program, [], { withHelpFlag: false }));
}
