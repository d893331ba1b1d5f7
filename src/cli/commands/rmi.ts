import { KnownError, UsageError } from "../../core/errors.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import { findLocalImage } from "../local/find-image.ts";
import { type LocalStore, openLocal } from "../local/open-local.ts";

/** `rmi IMAGE…`: each goes as far as it can; the failures of all are told, and the last ends the run. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, log } = context;
  const all = flags.bool("all");
  if (args.length === 0 && !all)
    throw new UsageError("usage.bad-flag", "image name or ID must be specified");
  if (args.length > 0 && all)
    throw new UsageError(
      "usage.bad-flag",
      "when using the --all switch, you may not pass any images names or IDs",
    );
  const local = await openLocal(context, "change");
  const names = all ? await ownIds(local) : args;
  let failure: KnownError | undefined;
  for (const name of names) {
    try {
      await removeOne(context, local, name);
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      context.signal.throwIfAborted();
      if (failure) log.error(failure.message);
      failure = error;
    }
  }
  if (failure) throw failure;
}

/** Those of additional stores stay. */
async function ownIds({ store }: LocalStore): Promise<readonly string[]> {
  const images = await store.images();
  return images.filter(({ area }) => !area.readOnly).map(({ id }) => id);
}

async function removeOne(context: CommandContext, local: LocalStore, text: string): Promise<void> {
  const { flags, terminal } = context;
  const { store } = local;
  const found = await findOrIgnore(context, local, text);
  if (!found) return;
  const { image, name } = found;
  const { id, names, area } = image;
  if (area.readOnly) throw new CliError("cli.conflict", `cannot remove read-only image "${id}"`);
  if (name !== undefined && names.length > 1) {
    await store.removeNames(id, [name]);
    return await terminal.out(`Untagged: ${name}\n`);
  }
  if (names.length > 1 && !flags.bool("force") && !flags.bool("all")) {
    throw new CliError(
      "cli.conflict",
      `unable to delete image "${id}" by ID with more than one tag ([${names.join(" ")}]): please force removal`,
      { hint: "Pass --force, or name the tag that is to go" },
    );
  }
  await store.deleteImage(id);
  await terminal.out(`${names.map((each) => `Untagged: ${each}\n`).join("")}Deleted: ${id}\n`);
}

async function findOrIgnore({ flags }: CommandContext, { store, rules }: LocalStore, text: string) {
  try {
    return await findLocalImage(store, text, rules);
  } catch (error) {
    const isMissing = error instanceof TransportError && error.code === "transport.image-not-found";
    if (isMissing && (flags.bool("ignore") || flags.bool("force"))) return undefined;
    throw error;
  }
}
