import type { CommandContext } from "../context.ts";
import { UsageWithHelp } from "../errors.ts";

/** `sync`: skopeo's words, `--src T --dest T SOURCE DESTINATION`, or a specification of ours. */
export async function run(context: CommandContext): Promise<void> {
  const [from, to] = context.args;
  if (from === undefined || to === undefined || context.args.length !== 2)
    throw new UsageWithHelp("Exactly two arguments expected");
  const { syncByWords } = await import("../sync/by-words.ts");
  await syncByWords(context, from, to);
}
