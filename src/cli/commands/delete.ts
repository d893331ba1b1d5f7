import { KnownError, UsageError } from "../../core/errors.ts";
import { TransportError } from "../../transport/contract/errors.ts";
import type { CommandContext } from "../context.ts";
import { CliError, notSupportedYet, withPrefix } from "../errors.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";

/** `delete IMAGE`: of a registry the manifest and with it all of its tags; with `--tag-only` just the one. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, program, signal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw new UsageError("usage.bad-flag", "Usage: delete imageReference");
  const settings = endSettings(flags, globals, "");
  const parts = await context.parts();
  const end = await parts.end(settings);
  const image = await withPrefix(`Invalid source name ${name}`, () =>
    end.resolve(name, "source", { signal }),
  );
  const { transport } = image;
  const tagOnly = program === "amphora" && flags.bool("tag-only");
  const remove = tagOnly ? transport.deleteTag : transport.deleteImage;
  if (tagOnly && !remove)
    throw notSupportedYet(`Deleting only the tag of ${transport.name}: images`);
  if (!remove)
    throw new TransportError(
      "transport.unsupported",
      `Deleting images not implemented for ${transport.name}: images`,
    );
  try {
    await withRetries(context, settings, () => remove(image.reference, { signal }));
  } catch (error) {
    if (transport.name !== "docker" || signal.aborted || !(error instanceof KnownError))
      throw error;
    throw new CliError("cli.not-deleted", error.message, { cause: error });
  }
}
