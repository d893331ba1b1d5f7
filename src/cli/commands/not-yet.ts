import type { CommandContext } from "../context.ts";
import { notSupportedYet } from "../errors.ts";

/** Commands of skopeo's that are not here yet say so, whatever they are given. */
export async function run({ path, program }: CommandContext): Promise<void> {
  const name = path.map((spec) => spec.name).join(" ");
  throw notSupportedYet(`"${program} ${name}"`);
}
