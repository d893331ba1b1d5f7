import { KnownError, UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { type CallOptions, type Transport, TransportError } from "../../transport/contract.ts";
import type { CommandContext } from "../context.ts";
import { CliError, notSupportedYet, withPrefix } from "../errors.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";

/** A transport whose tags can go without their image. */
type TagKeeper = Transport & {
  readonly deleteTag?: (reference: ImageReference, options: CallOptions) => Promise<void>;
};

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
  const transport: TagKeeper = image.transport;
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
