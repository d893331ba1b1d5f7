import type { Gate } from "../../../policy/gate.ts";
import { type DockerReference, parseDockerReference } from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { openSharedArchive } from "../../transport/docker-archive/transport.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { type FoundImage, findLocalImage, nameToKeep } from "../local/find-image.ts";
import { openLocal } from "../local/open-local.ts";
import { plainWish } from "../local/wishes.ts";
import type { ResolvedImage } from "../parts.ts";
import { runCopy } from "../run-copy.ts";
import { localEnd } from "../settings.ts";
import { storedText } from "./push.ts";

const formats = {
  "docker-archive": { transport: "docker-archive", manifestType: mediaTypes.dockerManifest },
  "oci-archive": { transport: "oci-archive", manifestType: mediaTypes.ociManifest },
  "docker-dir": { transport: "dir", manifestType: mediaTypes.dockerManifest },
  "oci-dir": { transport: "oci", manifestType: mediaTypes.ociManifest },
} as const;

type Format = keyof typeof formats;

/** `save IMAGE…`: images of the local store as an archive or a folder. */
export async function run(context: CommandContext): Promise<void> {
  const { args } = context;
  if (args.length === 0)
    throw new UsageError("usage.bad-flag", "requires at least 1 arg(s), only received 0");
  const format = formatOf(context);
  const path = outputOf(context, format);
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const saving = { context, gate, format, path };
  if (context.flags.bool("multi-image-archive")) return await saveSeveral(saving, args);
  await saveOne(saving, args);
}

interface Saving {
  readonly context: CommandContext;
  readonly gate: Gate;
  readonly format: Format;
  readonly path: string;
}

/** @throws {UsageError} `usage.bad-flag` */
function formatOf({ flags }: CommandContext): Format {
  const format = flags.string("format") || "docker-archive";
  if (!Object.hasOwn(formats, format))
    throw new UsageError(
      "usage.bad-flag",
      `unknown format ${JSON.stringify(format)}. Choose one of: ${Object.keys(formats).join(", ")}`,
    );
  if (flags.bool("multi-image-archive") && format !== "docker-archive")
    throw new UsageError(
      "usage.bad-flag",
      "--multi-image-archive can only be used with --format docker-archive",
    );
  return format as Format;
}

/** @throws {UsageError} `usage.bad-flag` where nobody would want that there */
function outputOf({ flags, terminal }: CommandContext, format: Format): string {
  const path = flags.string("output");
  if (path.includes(":"))
    throw new UsageError(
      "usage.bad-flag",
      `invalid filename (should not contain ":") ${JSON.stringify(path)}`,
    );
  if (path !== "") return path;
  if (format.endsWith("-dir"))
    throw new UsageError("usage.bad-flag", `--format ${format} needs --output, the folder to make`);
  if (terminal.stdoutIsTty)
    throw new UsageError("usage.bad-flag", "refusing to save to terminal. Use -o flag or redirect");
  return "/dev/stdout";
}

/** One image; the other names are more tags of it. */
async function saveOne(saving: Saving, [name = "", ...tags]: readonly string[]): Promise<void> {
  const { context, format, path } = saving;
  const { found, from } = await findSource(context, name);
  const more = tags.map((tag) => parseDockerReference(nameToKeep(tag)));
  if (more.length > 0 && format !== "docker-archive")
    throw new UsageError(
      "usage.bad-flag",
      `--format ${format} holds one name: only docker-archive takes more`,
    );
  const [first, ...rest] = [...tagged(found), ...more];
  const end = await endOf(context, rest);
  const { transport } = formats[format];
  const named = transport === "dir" || !first ? "" : `:${first.domain}/${first.path}:${first.tag}`;
  const text = `${transport}:${path}${named}`;
  const { signal } = context;
  const to = await withPrefix(`Invalid destination name ${text}`, () =>
    end.resolve(text, "destination", { signal }),
  );
  await copyOne(saving, from, to);
}

/** Several images in one archive of docker's. */
async function saveSeveral(saving: Saving, names: readonly string[]): Promise<void> {
  const { context, path } = saving;
  const { signal } = context;
  const sources: { readonly found: FoundImage; readonly from: ResolvedImage }[] = [];
  for (const name of names) sources.push(await findSource(context, name));
  const end = await endOf(context, []);
  const to = await end.resolve(`docker-archive:${path}`, "destination", { signal });
  await using archive = await openSharedArchive(to.reference, { signal });
  for (const { found, from } of sources) {
    const [name] = tagged(found);
    const openDestination = async () => archive.openDestination(name);
    await copyOne(saving, from, { ...to, transport: { ...to.transport, openDestination } });
  }
  await archive.finish();
}

async function findSource(
  context: CommandContext,
  name: string,
): Promise<{ readonly found: FoundImage; readonly from: ResolvedImage }> {
  const { signal } = context;
  const { store, rules } = await openLocal(context, "read");
  const found = await findLocalImage(store, name, rules);
  const end = await endOf(context, []);
  return { found, from: await end.resolve(storedText(context, found), "source", { signal }) };
}

/** The name that goes along; archives have no place for one with a digest. */
function tagged({ name }: FoundImage): readonly DockerReference[] {
  const reference = name === undefined ? undefined : parseDockerReference(name);
  return reference?.tag === undefined ? [] : [reference];
}

async function endOf({ parts }: CommandContext, additionalNames: readonly DockerReference[]) {
  const layers = { compress: false, decompress: false, acceptUncompressed: false };
  return (await parts()).end(localEnd, { ...layers, additionalNames });
}

/** Signatures would not stay true: layers are saved as the store has them. */
async function copyOne(saving: Saving, from: ResolvedImage, to: ResolvedImage): Promise<void> {
  const { context, gate, format } = saving;
  const { platform } = await context.parts();
  const { manifestType } = formats[format];
  const options = { ...plainWish(platform), removeSignatures: true, manifestType };
  await runCopy(context, { from, to, gate, options }, { aside: true });
}
