import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import { completionScript, type Shell } from "../completion-scripts.ts";
import type { CommandContext } from "../context.ts";

/** `completion SHELL`: the script that makes the shell complete this program's commands. */
export async function run({ args, flags, path, program, terminal }: CommandContext): Promise<void> {
  const names = path.map((spec) => spec.name);
  const [extra] = args;
  if (extra !== undefined) {
    const command = goQuote([program, ...names].join(" "));
    throw new UsageError("usage.bad-flag", `unknown command ${goQuote(extra)} for ${command}`);
  }
  const shell = names[1] as Shell;
  await terminal.out(completionScript(shell, program, !flags.bool("no-descriptions")));
}
