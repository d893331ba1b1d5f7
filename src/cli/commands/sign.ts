import { UsageError } from "../../core/errors.ts";
import { escapeControls } from "../../core/go-quote.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { ResolvedImage } from "../parts.ts";
import { endSettings } from "../settings.ts";
import { openSigning } from "../signers.ts";
import { signInPlace } from "../trust/sign-in-place.ts";

/** `sign IMAGE`: signatures for what a name stands for now, kept beside the registry and not in it. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, log, signal, terminal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw new UsageError("usage.bad-flag", "Exactly one argument expected");
  await using signing = await openSigning(context);
  const { signers, identity } = signing;
  if (signers.length === 0)
    throw new UsageError("usage.bad-flag", "Name the key to sign by: --sign-by and its like");
  if (identity && identity.tag === undefined && identity.digest === undefined)
    throw new UsageError(
      "usage.bad-flag",
      `Sign identity must be a fully specified reference ${flags.string("sign-identity")}`,
    );
  const end = await (await context.parts()).end(endSettings(flags, globals, ""));
  const image = await withPrefix(`Invalid image name ${name}`, () =>
    end.resolve(name, "source", { signal }),
  );
  const signed = await signInPlace(context, {
    end,
    image,
    signers,
    directory: flags.string("directory"),
    ...(identity && { identity }),
  });
  if (flags.string("directory") === "") await warnIfUnread(context, image);
  if (flags.bool("json") || log.isJson)
    return await terminal.out(`${JSON.stringify(signed, undefined, 4)}\n`);
  for (const { digest, identity, keyId, made } of signed) {
    const what = made ? "signed" : "was signed already";
    await terminal.out(`${escapeControls(`${digest} ${what} as ${identity} by ${keyId}`)}\n`);
  }
}

/** A registry's own API stands in for the look-aside: what was put there is read by nobody — `specs/signing.md` 3.3. */
async function warnIfUnread(
  { log, signal }: CommandContext,
  { transport, reference }: ResolvedImage,
): Promise<void> {
  const places = await transport.signaturePlaces?.(reference, "read", { signal });
  const own = places?.find(({ kind }) => kind === "api");
  if (!own) return;
  log.warning(
    `The registry of ${own.where} keeps signatures itself, so none are read from the look-aside: bring them over by "amphora signatures migrate --from lookaside --to api ${formatImageReference(reference)}"`,
  );
}
