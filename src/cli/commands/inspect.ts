import type { Descriptor } from "../../core/descriptor.ts";
import { type DigestAlgorithm, hexLengths } from "../../core/digest.ts";
import { ContentError, UsageError } from "../../core/errors.ts";
import { goIndent } from "../../core/go-json.ts";
import { goQuote } from "../../core/go-quote.ts";
import { formatImageConfig } from "../../core/image-config.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import {
  inspectConfig,
  inspectImage,
  inspectRawConfig,
  refuseArtifact,
} from "../../core/inspect-view.ts";
import { manifestDigest, type RawManifest } from "../../core/manifest.ts";
import { isIndexType, isSchema1Type, mediaTypes } from "../../core/media-type.ts";
import { chooseInstance } from "../../core/platform.ts";
import { parseSchema1 } from "../../core/schema1.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { Parts, ResolvedImage } from "../parts.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";
import { TemplateError } from "../template/error.ts";
import type { Terminal } from "../terminal.ts";
import { formatInspected, type Inspected, inspectedName } from "./inspect-output.ts";
import { listTagsForInspect, type TagListing } from "./inspect-tags.ts";

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
const NO_MANIFEST = "Error retrieving manifest for image";
const BAD_MANIFEST = "Error parsing manifest for image";

/** `inspect IMAGE`: what an image says of itself; no policy is asked. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, signal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw new UsageError("usage.bad-flag", "Exactly one argument expected");
  if (flags.bool("raw") && flags.string("format") !== "")
    throw new UsageError("usage.bad-flag", "raw output does not support format option");
  const algorithm = digestAlgorithm(context);
  const settings = endSettings(flags, globals, "");
  const parts = await context.parts();
  const noName = `Error parsing image name ${goQuote(name)}`;
  const image = await withPrefix(noName, async () => {
    const end = await parts.end(settings);
    return end.resolve(name, "source", { signal });
  });
  // The tags are asked for at once: they and the manifest need each other's answer for nothing.
  await using tags = listTagsForInspect(context, image);
  await using source = await withPrefix(noName, () =>
    withRetries(context, settings, () => image.transport.openSource(image.reference, { signal })),
  );
  // Skopeo's source of a registry reads the manifest when it is opened.
  const unread = image.transport.name === "docker" ? noName : NO_MANIFEST;
  const readTop = () =>
    withRetries(context, settings, () => source.readManifest("top", { signal }));
  if (flags.bool("raw") && !flags.bool("config")) {
    const bytes = await withPrefix(unread, async () => bytesOf(readTop()));
    return withPrefix("Error writing manifest to standard output", () =>
      context.terminal.out(bytes),
    );
  }
  const top = await withPrefix(
    (error) => (error.code === "content.bad-manifest" ? BAD_MANIFEST : unread),
    readTop,
  );
  const digest = algorithm === undefined ? top.digest : manifestDigest(top.bytes, algorithm);
  await output(context, { parts, image, source, top, digest, tags });
}

interface Inspection {
  readonly parts: Parts;
  readonly image: ResolvedImage;
  readonly source: ImageSource;
  readonly top: RawManifest;
  readonly digest: string;
  readonly tags: TagListing;
}

async function output(context: CommandContext, inspection: Inspection): Promise<void> {
  const { flags, signal, terminal } = context;
  const { parts, image, source, top, digest, tags } = inspection;
  const manifest = await withPrefix(BAD_MANIFEST, async () => {
    const found = await chosen(source, top, parts, { signal });
    checkForm(found);
    return found;
  });
  const format = flags.string("format");
  if (flags.bool("config") && flags.bool("raw")) {
    const bytes = await withPrefix("Error reading configuration blob", async () =>
      inspectRawConfig(manifest, await readConfig(source, manifest, { signal })),
    );
    const failed = "Error writing configuration blob to standard output";
    return withPrefix(failed, () => terminal.out(bytes));
  }
  if (flags.bool("config")) {
    const config = await withPrefix("Error reading OCI-formatted configuration data", async () => {
      refuseArtifact(manifest);
      return inspectConfig(manifest, await readConfig(source, manifest, { signal }));
    });
    const json = () => goIndent(formatImageConfig(config), "    ");
    return withPrefix("Error writing OCI-formatted configuration data to standard output", () =>
      print(terminal, formatInspected({ type: "config", config }, format, json)),
    );
  }
  refuseArtifact(manifest);
  const view = inspectImage(manifest, await readConfig(source, manifest, { signal }));
  const repoTags = await tags.read();
  const shown: Inspected = { type: "image", name: inspectedName(image), digest, repoTags, view };
  await print(terminal, formatInspected(shown, format));
}

/** A template that fails has printed what came before. */
async function print(terminal: Terminal, text: Promise<string>): Promise<void> {
  try {
    await terminal.out(await text);
  } catch (error) {
    if (error instanceof TemplateError && error.printed !== "") await terminal.out(error.printed);
    throw error;
  }
}

/** The manifest itself; of an index, the instance for the platform wanted, through as many indexes as there are. */
async function chosen(
  source: ImageSource,
  top: RawManifest,
  parts: Parts,
  options: CallOptions,
): Promise<RawManifest> {
  if (!isIndexType(top.mediaType)) return top;
  const { digest } = await withPrefix("choosing image instance", async () =>
    chooseInstance(parseIndexManifest(top), parts.platform),
  );
  const list = top.mediaType === mediaTypes.ociIndex ? "image index" : "manifest list";
  const instance = await withPrefix(`fetching target platform image selected from ${list}`, () =>
    source.readManifest(digest, options),
  );
  return chosen(source, instance, parts, options);
}

/** @throws {ContentError} `content.bad-manifest` for what is not even of its type's form */
function checkForm(manifest: RawManifest): void {
  if (isSchema1Type(manifest.mediaType)) parseSchema1(manifest);
  else parseImageManifest(manifest);
}

/** What came for a manifest, as it is: to be looked at just where it cannot be used. */
async function bytesOf(manifest: Promise<RawManifest>): Promise<Uint8Array> {
  try {
    return (await manifest).bytes;
  } catch (error) {
    if (error instanceof ContentError && error.bytes !== undefined) return error.bytes;
    throw error;
  }
}

/** The config's bytes; schema 1 has none. */
async function readConfig(
  source: ImageSource,
  manifest: RawManifest,
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  if (isSchema1Type(manifest.mediaType)) return undefined;
  const config: Descriptor = parseImageManifest(manifest).config;
  try {
    await using blob = await source.openBlob(config, options);
    return await readBounded(blob, MAX_CONFIG_BYTES, config.digest);
  } catch (cause) {
    if (!(cause instanceof ContentError) || cause.actual === undefined) throw cause;
    throw new ContentError(
      cause.code,
      `Download config.json digest ${cause.actual} does not match expected ${config.digest}`,
      { cause, actual: cause.actual },
    );
  }
}

function digestAlgorithm({ flags, program }: CommandContext): DigestAlgorithm | undefined {
  const text = program === "skopeo" ? "" : flags.string("manifest-digest");
  if (text === "") return undefined;
  if (Object.hasOwn(hexLengths, text)) return text as DigestAlgorithm;
  throw new UsageError("usage.bad-flag", `unsupported digest algorithm ${goQuote(text)}`, {
    hint: `Name one of ${Object.keys(hexLengths).join(", ")}`,
  });
}
