import { UsageError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { findLocalImage, nameToKeep } from "../local/find-image.ts";
import { openLocal } from "../local/open-local.ts";

/** `tag IMAGE NAME…`: more names for an image; whichever had them before has them no longer. */
export async function run(context: CommandContext): Promise<void> {
  const [image, ...names] = context.args;
  if (image === undefined || names.length === 0)
    throw new UsageError(
      "usage.bad-flag",
      `requires at least 2 arg(s), only received ${context.args.length}`,
    );
  const kept = names.map(nameToKeep);
  const { store, rules } = await openLocal(context, "change");
  const found = await findLocalImage(store, image, rules);
  await store.addNames(found.image.id, kept.toReversed()); // one after the other, to podman
}
