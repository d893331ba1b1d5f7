import type { Gate } from "../../../policy/gate.ts";
import type { Verdict } from "../../../policy/verdict.ts";
import { signedDigest } from "../../copy/admit.ts";
import { chooseInstances } from "../../copy/select.ts";
import { wantsSignatures } from "../../copy/wants-signatures.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { repositoryName } from "../../core/docker-reference.ts";
import { UsageError } from "../../core/errors.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { chooseInstance, formatPlatform, type Platform } from "../../core/platform.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { ResolvedImage } from "../parts.ts";
import { endSettings } from "../settings.ts";

/** One image of those asked about, and what the policy says of it. */
export interface JudgedImage {
  readonly digest: Digest;
  /** Of an instance, where the index tells. */
  readonly platform?: string;
  readonly verdict: Verdict;
}

/** What a name stands for, judged. */
export interface Judgement {
  /** As the policy was asked about it. */
  readonly reference: ImageReference;
  /** Of the manifest that the name leads to: the list's where all its images were asked about, else that of the one. */
  readonly digest: Digest;
  /** The name with that digest, which stands for these bytes for ever; the digest alone where there is no name. */
  readonly pinned: string;
  readonly images: readonly JudgedImage[];
}

/**
 * Asks the policy about the image named on the command line, as a copy would: of a list about the instance for the
 * platform, with `--all` about each.
 *
 * @throws {KnownError} where the image or the policy cannot be read; a refusal is a verdict
 */
export async function judge(context: CommandContext): Promise<Judgement> {
  const { args, flags, globals, signal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw new UsageError("usage.bad-flag", "Exactly one argument expected");
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const every = flags.bool("all");
  const end = await parts.end(endSettings(flags, globals, ""));
  const resolve = (text: string) =>
    withPrefix(`Invalid image name ${text}`, () => end.resolve(text, "source", { signal }));
  const image = await resolve(name);
  const other = flags.string("as");
  const { platform } = parts;
  if (other === "") return await judgeImage({ gate, image, platform, every, signal });
  const as = (await resolve(other)).reference;
  return await judgeImage({ gate, image, as, platform, every, signal });
}

/** What a gate is asked about. */
export interface JudgeRequest {
  readonly gate: Gate;
  readonly image: ResolvedImage;
  /** The name to judge it by, where that is not its own. */
  readonly as?: ImageReference;
  /** The one that counts of a list. */
  readonly platform: Platform;
  /** Of a list, all images and not only the one for the platform. */
  readonly every: boolean;
  readonly signal: AbortSignal;
}

/** Asks a gate about an image, or about those of a list. */
export async function judgeImage(request: JudgeRequest): Promise<Judgement> {
  const { gate, image, as, signal } = request;
  const { transport, reference: found } = image;
  const reference = as ?? found;
  const expectSignatures = await wantsSignatures(gate, reference);
  await using source = await withPrefix(`initializing source ${formatImageReference(found)}`, () =>
    transport.openSource(found, { signal, expectSignatures }),
  );
  const top = await source.readManifest("top", { signal });
  const images: JudgedImage[] = [];
  for (const instance of await instancesOf(request, source, top)) {
    const expected = instance?.digest ?? top.digest;
    if (expectSignatures) source.expectSignatures?.(expected, { signal });
    const manifest = instance ? await source.readManifest(instance.digest, { signal }) : top;
    const { digest } = manifest;
    const verdict = await gate.verdict({
      reference,
      manifestDigest: signedDigest(manifest),
      signatures: () => source.readSignatures(digest, { signal }),
      ...(source.readBundles && {
        bundles: async () => (await source.readBundles?.(digest, { signal })) ?? [],
      }),
    });
    const platform = instance?.platform && formatPlatform(instance.platform);
    images.push({ digest, verdict, ...(platform && { platform }) });
  }
  // Whoever pins a list gets any of its images: it is what was judged only if all of them were.
  const digest = request.every ? top.digest : (images[0]?.digest ?? top.digest);
  return { reference, digest, pinned: pinnedName(found, digest), images };
}

/** Undefined stands for the top manifest itself: an image's, or a list without images, which nothing else speaks for. */
async function instancesOf(
  { every, platform }: JudgeRequest,
  source: ImageSource,
  top: RawManifest,
): Promise<readonly (Descriptor | undefined)[]> {
  if (!isIndexType(top.mediaType)) return [undefined];
  const index = parseIndexManifest(top);
  if (every)
    return index.instances.length > 0 ? chooseInstances(index, { type: "all" }) : [undefined];
  return await withPrefix(
    `choosing an image from manifest list ${formatImageReference(source.reference)}`,
    async () => [chooseInstance(index, platform)],
  );
}

function pinnedName({ transport, docker }: ImageReference, digest: Digest): string {
  return transport === "docker" && docker ? `docker://${repositoryName(docker)}@${digest}` : digest;
}
