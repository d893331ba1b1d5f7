import { UsageError } from "../../core/errors.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import type { CommandContext } from "../context.ts";
import { findLocalImage, nameToKeep } from "../local/find-image.ts";
import { openLocal } from "../local/open-local.ts";

/** `untag IMAGE [NAME…]`: the image without these names, or without any. */
export async function run(context: CommandContext): Promise<void> {
  const [image, ...names] = context.args;
  if (image === undefined)
    throw new UsageError("usage.bad-flag", "requires at least 1 arg(s), only received 0");
  const { store, rules } = await openLocal(context, "change");
  const found = await findLocalImage(store, image, rules);
  if (found.image.area.readOnly)
    throw new TransportError("transport.image-not-found", `${image}: image not known`, {
      hint: "It is an additional store's, where nothing can be changed",
    });
  const removed = names.length === 0 ? found.image.names : names.map(nameToKeep);
  const other = removed.find((name) => !found.image.names.includes(name));
  if (other !== undefined)
    throw new TransportError("transport.image-not-found", `${other}: tag not known`);
  await store.removeNames(found.image.id, removed);
}
