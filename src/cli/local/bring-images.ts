import type { Gate } from "../../../policy/gate.ts";
import { hexOf } from "../../core/digest.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { chooseInstance, type Platform } from "../../core/platform.ts";
import type { Store } from "../../storage/store.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import type { Transport } from "../../transport/contract/transport.ts";
import type { CommandContext } from "../context.ts";
import type { End, ResolvedImage } from "../parts.ts";
import { runCopy } from "../run-copy.ts";
import { nameToKeep } from "./find-image.ts";
import { storeChoice, storeSpecifier } from "./store-choice.ts";
import { plainWish } from "./wishes.ts";

/** What brings images to the local store. */
export interface Bringing {
  readonly context: CommandContext;
  readonly end: End;
  readonly gate: Gate;
  readonly store: Store;
  readonly platform: Platform;
}

/** An image that is in the local store now. */
export interface BroughtImage {
  readonly id: string;
  /** Those it was given; none where the source has none for it. */
  readonly names: readonly string[];
}

/** Brings one image under a name; gives its ID. */
export async function bringNamed(
  bringing: Bringing,
  from: ResolvedImage,
  name: string,
): Promise<BroughtImage> {
  await copyTo(bringing, from, name);
  const found = await bringing.store.findImage(name);
  return { id: found?.id ?? "", names: [name] };
}

/** Brings all the images that a place has, each with its names there. */
export async function bringAll(
  bringing: Bringing,
  from: ResolvedImage,
): Promise<readonly BroughtImage[]> {
  const { signal } = bringing.context;
  const { transport, reference } = from;
  await using open = await openAll(transport, reference, bringing.context);
  const brought: BroughtImage[] = [];
  for (const image of open.images) {
    const source = await image.openSource({ signal });
    brought.push(await bringOpen(bringing, from, source, image.names));
  }
  return brought;
}

async function openAll(
  transport: Transport,
  reference: ImageReference,
  { signal }: CommandContext,
) {
  const several = await transport.openImages?.(reference, { signal });
  if (several) return several;
  const openSource = () => transport.openSource(reference, { signal });
  const names = reference.docker
    ? [`${reference.docker.domain}/${reference.docker.path}:${reference.docker.tag ?? "latest"}`]
    : [];
  return { images: [{ names, openSource }], async [Symbol.asyncDispose]() {} };
}

/** Under its ID first, since it may have no name, or several. */
async function bringOpen(
  bringing: Bringing,
  from: ResolvedImage,
  source: ImageSource,
  names: readonly string[],
): Promise<BroughtImage> {
  let taken = false;
  const openSource = async () => {
    taken = true;
    return source;
  };
  try {
    const id = await idOf(source, bringing);
    const { openImages: _, ...transport } = from.transport;
    await copyTo(bringing, { ...from, transport: { ...transport, openSource } }, `@${id}`);
    const kept = names.flatMap(keepable);
    if (kept.length > 0) await bringing.store.addNames(id, kept);
    return { id, names: kept };
  } finally {
    if (!taken) await source[Symbol.asyncDispose]();
  }
}

/** A name as stores keep it; nothing of a text that no image can have for a name. */
function keepable(name: string): readonly string[] {
  try {
    return [nameToKeep(name)];
  } catch {
    return [];
  }
}

/** The ID that the image will have: its config's digest. */
async function idOf(source: ImageSource, { context, platform }: Bringing): Promise<string> {
  const { signal } = context;
  const top = await source.readManifest("top", { signal });
  const image = isIndexType(top.mediaType)
    ? await source.readManifest(chooseInstance(parseIndexManifest(top), platform).digest, {
        signal,
      })
    : top;
  return hexOf(parseImageManifest(image).config.digest);
}

async function copyTo(bringing: Bringing, from: ResolvedImage, name: string): Promise<void> {
  const { context, end, gate, platform } = bringing;
  const { flags, signal } = context;
  const text = `containers-storage:${storeSpecifier(storeChoice(flags))}${name}`;
  const to = await end.resolve(text, "destination", { signal });
  const removeSignatures = flags.has("remove-signatures") && flags.bool("remove-signatures");
  const options = { ...plainWish(platform), removeSignatures };
  await runCopy(context, { from, to, gate, options }, { aside: true });
}
