import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { parseIndexManifest } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance, formatPlatform } from "../core/platform.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import { admit } from "./admit.ts";
import { checkSignatures } from "./carried-signatures.ts";
import type { CopyJob } from "./copy.ts";
import { refuseGroup } from "./copy-list.ts";
import { telling } from "./failure.ts";
import { refuseOtherLayers, withHeldLayers } from "./held-layers.ts";
import { parseImage, planImage } from "./plan.ts";
import { checkDestinationDigest, reasonToKeep } from "./reason-to-keep.ts";
import { chooseInstances } from "./select.ts";
import { checkSigning } from "./sign.ts";
import { refuseSecondReading } from "./tape.ts";

/** What a copy would do with one image. */
export interface PlannedImage {
  readonly digest: Digest;
  /** Of an instance, where the index tells. */
  readonly platform?: string;
  /** Manifest media types that would be offered, in order. */
  readonly manifestTypes: readonly string[];
  /** Bytes are -1 where the manifest does not tell. */
  readonly layers: readonly {
    readonly digest: Digest;
    readonly size: number;
    readonly mayChange: boolean;
  }[];
}

/** What a copy would do. */
export interface DryRun {
  readonly from: string;
  readonly to: string;
  /** The index that would be written, where one would. */
  readonly index?: Digest;
  readonly images: readonly PlannedImage[];
  /** The destination is what the copy would make it. */
  readonly nothingToDo: boolean;
  /** What the destination's name stands for, where that can be told. */
  readonly held?: Digest;
}

/**
 * Plans a copy and does nothing: manifests are read, the gate is asked, every refusal that needs no bytes is made.
 *
 * @throws what {@link copy} would throw before the first blob
 */
export async function dryRun(
  job: Omit<CopyJob, "transfers" | "compression" | "report">,
): Promise<DryRun> {
  const { from, to, options, signal } = job;
  const source = await telling(
    `initializing source ${formatImageReference(from.reference)}`,
    "copy.source-failed",
    () => from.transport.openSource(from.reference, { signal }),
  );
  await using open = source;
  const top = await open.readManifest("top", { signal });
  const chosen = choose(top, job);
  if (chosen.length === 0) {
    await admit(open, job.gate, top, { carrySignatures: false, signal });
  }
  const isList = isIndexType(top.mediaType) && options.select.type !== "system";
  if (isList) await refuseGroupAt(job);
  const images: PlannedImage[] = [];
  for (const { instance, manifest } of await readChosen(open, top, chosen, job)) {
    images.push(await planOne(open, manifest, instance, job));
  }
  const held = await to.transport.digestOf?.(to.reference, "destination", { signal });
  const digest = isList ? top.digest : images[0]?.digest;
  const otherLayers = !isIndexType(top.mediaType) && (await open.heldLayers(top, { signal }));
  return {
    from: formatImageReference(from.reference),
    to: formatImageReference(to.reference),
    images,
    nothingToDo: held !== undefined && held.digest === digest && !otherLayers,
    ...(isList && { index: top.digest }),
    ...(held && { held: held.digest }),
  };
}

async function openToAsk({
  to,
  signal,
}: Pick<CopyJob, "to" | "signal">): Promise<ImageDestination> {
  return await to.transport.openDestination(to.reference, { signal, dryRun: true });
}

async function refuseGroupAt({ to, signal }: Pick<CopyJob, "to" | "signal">): Promise<void> {
  await using destination = await openToAsk({ to, signal });
  refuseGroup(destination);
}

function choose(
  top: RawManifest,
  { options }: Pick<CopyJob, "options">,
): readonly (Descriptor | undefined)[] {
  if (!isIndexType(top.mediaType)) return [undefined];
  const index = parseIndexManifest(top);
  if (options.select.type === "system") return [chooseInstance(index, options.platform)];
  return chooseInstances(index, options.select);
}

async function readChosen(
  source: ImageSource,
  top: RawManifest,
  chosen: readonly (Descriptor | undefined)[],
  { signal }: Pick<CopyJob, "signal">,
): Promise<
  readonly { readonly instance: Descriptor | undefined; readonly manifest: RawManifest }[]
> {
  return await Promise.all(
    chosen.map(async (instance) => ({
      instance,
      manifest: instance ? await source.readManifest(instance.digest, { signal }) : top,
    })),
  );
}

async function planOne(
  source: ImageSource,
  manifest: RawManifest,
  instance: Descriptor | undefined,
  job: Omit<CopyJob, "transfers" | "compression" | "report">,
): Promise<PlannedImage> {
  const { options, signal } = job;
  const carrySignatures = !options.removeSignatures;
  const admitted = await admit(source, job.gate, manifest, { carrySignatures, signal });
  await using destination = await openToAsk(job);
  await checkSignatures(admitted, { destination, signal }, () => {}, "image");
  await checkSigning(job.signing, destination, manifest.digest, { signal });
  const hasDigest = checkDestinationDigest(destination, manifest, { as: "top" });
  const keepBecause = reasonToKeep(options, admitted.signatures.length > 0, hasDigest);
  const image = await withHeldLayers(source, parseImage(manifest), { signal });
  refuseOtherLayers(image, keepBecause);
  const plan = planImage(image, destination.traits, options, keepBecause);
  refuseSecondReading(source, destination, plan);
  return {
    digest: manifest.digest,
    manifestTypes: plan.types,
    layers: plan.layers.map(({ blob, wish }) => ({
      digest: blob.digest,
      size: blob.size,
      mayChange: wish !== undefined,
    })),
    ...(instance?.platform && { platform: formatPlatform(instance.platform) }),
  };
}
