import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { notSupportedYet } from "../errors.ts";

/** `layers IMAGE [LAYER…]`, which skopeo itself has given up for copy. */
export async function run({ args, program, terminal }: CommandContext): Promise<void> {
  terminal.err(`DEPRECATED: ${program} layers is deprecated in favor of ${program} copy\n`);
  if (args.length === 0)
    throw new UsageError("usage.bad-flag", "Usage: layers imageReference [layer...]");
  throw notSupportedYet(`"${program} layers"`);
}
