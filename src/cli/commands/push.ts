import type { CopyOptions } from "../../copy/options.ts";
import { UsageError } from "../../core/errors.ts";
import type { Platform } from "../../core/platform.ts";
import { parseWritableFormat } from "../../stream/compression-format.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { FlagValues } from "../flags.ts";
import { type FoundImage, findLocalImage } from "../local/find-image.ts";
import { transportIn } from "../local/image-names.ts";
import { openLocal } from "../local/open-local.ts";
import { storeChoice, storeSpecifier } from "../local/store-choice.ts";
import { plainWish } from "../local/wishes.ts";
import { withRetries } from "../retry.ts";
import { runCopy, writeDigestFile } from "../run-copy.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { manifestTypeOf } from "./copy-options.ts";

/** `push IMAGE [DESTINATION]`: an image of the local store to a registry, or wherever it is said. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, signal } = context;
  const [name, destination] = args;
  if (name === undefined || args.length > 2)
    throw new UsageError("usage.bad-flag", `accepts 1 or 2 arg(s), received ${args.length}`);
  const parts = await context.parts();
  const options = pushOptions(flags, parts.platform);
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const { store, rules } = await openLocal(context, "read");
  const found = await findLocalImage(store, name, rules);
  const settings = endSettings(flags, globals, "");
  const end = await parts.end(settings);
  const from = await end.resolve(storedText(context, found), "source", { signal });
  const text = destinationText(found, destination);
  const to = await withPrefix(`Invalid destination name ${text}`, () =>
    end.resolve(text, "destination", { signal }),
  );
  await using signing = await openSigning(context);
  const wish = { from, to, gate, options, signing };
  const digest = await withRetries(context, settings, () =>
    runCopy(context, wish, { aside: true }),
  );
  await writeDigestFile(flags.string("digestfile"), digest);
}

/** How a reference names what was found. */
export function storedText({ flags }: CommandContext, { image, name }: FoundImage): string {
  const specifier = storeSpecifier(storeChoice(flags));
  return `containers-storage:${specifier}${name ?? `@${image.id}`}`;
}

function destinationText({ name }: FoundImage, destination: string | undefined): string {
  const text = destination ?? name;
  if (text === undefined)
    throw new UsageError("usage.bad-flag", "An image given by its ID has no name to push it to", {
      hint: "Name the destination too: amphora push ID registry.example.com/name:tag",
    });
  return transportIn(text) === undefined ? `docker://${text}` : text;
}

function pushOptions(flags: FlagValues, platform: Platform): CopyOptions {
  const manifestType = manifestTypeOf(flags.optionalString("format"));
  const format = flags.string("compression-format");
  const force = flags.bool("force-compression");
  if (force && format === "")
    throw new UsageError("usage.bad-flag", "--force-compression needs --compression-format");
  return {
    ...plainWish(platform),
    removeSignatures: flags.bool("remove-signatures"),
    compression: {
      force,
      ...(format !== "" && { format: parseWritableFormat(format) }),
      ...(flags.changed("compression-level") && { level: flags.number("compression-level") }),
    },
    ...(manifestType !== undefined && { manifestType }),
  };
}
