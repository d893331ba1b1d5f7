import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { formatImageReference } from "../core/image-reference.ts";
import { type InstanceUpdate, parseIndexManifest, rebuildIndex } from "../core/index-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance, formatPlatform } from "../core/platform.ts";
import type { ImageDestination } from "../transport/contract/image-destination.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import { admit } from "./admit.ts";
import { checkSignatures } from "./carried-signatures.ts";
import type { CopyJob } from "./copy.ts";
import { refuseEdited, refuseGroup } from "./copy-list.ts";
import { telling } from "./failure.ts";
import { refuseOtherLayers, withHeldLayers } from "./held-layers.ts";
import { layerChange, packingOf } from "./layer-change.ts";
import { indexTypesToTry } from "./manifest-types.ts";
import { type PlannedLayer, parseImage, planImage } from "./plan.ts";
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
  /** Its manifest would be written as it is, as far as its layers' types tell. */
  readonly kept: boolean;
}

/** What a copy would do. */
export interface DryRun {
  readonly from: string;
  readonly to: string;
  /** Of the source's top manifest. */
  readonly source: Digest;
  /** The index that would be written, where one would; absent where only writing its images tells. */
  readonly index?: Digest;
  /** What the destination's name would stand for, as far as that can be told. */
  readonly digest?: Digest;
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
  await using group = isList ? await openToAsk(job) : undefined;
  if (group) refuseGroup(group);
  const planned: Planned[] = [];
  for (const { instance, manifest } of await readChosen(open, top, chosen, job)) {
    planned.push(await planOne(open, manifest, instance, job));
  }
  const images = planned.map(({ image }) => image);
  const held = await to.transport.digestOf?.(to.reference, "destination", { signal });
  const index = group && indexToBe(top, planned, group, job);
  const { digest, expected } = group ? listToBe(top, index, job) : imageToBe(images[0]);
  const otherLayers = !isIndexType(top.mediaType) && (await open.heldLayers(top, { signal }));
  return {
    from: formatImageReference(from.reference),
    to: formatImageReference(to.reference),
    source: top.digest,
    images,
    nothingToDo: held !== undefined && held.digest === expected && !otherLayers,
    ...(index && { index }),
    ...(digest && { digest }),
    ...(held && { held: held.digest }),
  };
}

/** What a name would stand for. */
interface ToBe {
  readonly digest?: Digest | undefined;
  /** Also where it would be another if it were not there already. */
  readonly expected?: Digest | undefined;
}

function imageToBe(image: PlannedImage | undefined): ToBe {
  return { digest: image?.kept ? image.digest : undefined, expected: image?.digest };
}

function listToBe(
  top: RawManifest,
  digest: Digest | undefined,
  { options }: Pick<CopyJob, "options">,
): ToBe {
  const isWhole = options.select.type !== "platforms";
  return { digest, expected: digest ?? (isWhole ? top.digest : undefined) };
}

/** The digest of the index with those images that were chosen; undefined where one of them would be another. */
function indexToBe(
  top: RawManifest,
  planned: readonly Planned[],
  destination: ImageDestination,
  { options }: Pick<CopyJob, "options">,
): Digest | undefined {
  const updates = new Map<Digest, InstanceUpdate>();
  for (const { image, update } of planned) {
    if (!image.kept) return undefined;
    updates.set(image.digest, update);
  }
  const hasDigest = checkDestinationDigest(destination, top, { as: "top" });
  const [mediaType] = indexTypesToTry({
    source: top.mediaType,
    destination: destination.traits.manifestTypes,
    ...(options.manifestType !== undefined && { forced: options.manifestType }),
  });
  const keep = ({ digest }: Descriptor) => updates.has(digest);
  const isPart = options.select.type === "platforms";
  const index = rebuildIndex(top, { mediaType, updates, ...(isPart && { keep }) });
  refuseEdited(index, top, reasonToKeep(options, false, hasDigest));
  return index.digest;
}

async function openToAsk({
  to,
  signal,
}: Pick<CopyJob, "to" | "signal">): Promise<ImageDestination> {
  return await to.transport.openDestination(to.reference, { signal, dryRun: true });
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

/** An image, and how an index would name it. */
interface Planned {
  readonly image: PlannedImage;
  readonly update: InstanceUpdate;
}

async function planOne(
  source: ImageSource,
  manifest: RawManifest,
  instance: Descriptor | undefined,
  job: Omit<CopyJob, "transfers" | "compression" | "report">,
): Promise<Planned> {
  const { options, signal, crypto } = job;
  const carrySignatures = !options.removeSignatures;
  const admitted = await admit(source, job.gate, manifest, { carrySignatures, signal });
  await using destination = await openToAsk(job);
  await checkSignatures(admitted, { destination, signal }, () => {}, "image");
  await checkSigning(job.signing, destination, manifest.digest, { signal });
  const hasDigest = checkDestinationDigest(destination, manifest, { as: "top" });
  const keepBecause = reasonToKeep(options, admitted.signatures.length > 0, hasDigest);
  const image = await withHeldLayers(source, parseImage(manifest), { signal });
  refuseOtherLayers(image, keepBecause);
  const plan = planImage(image, destination.traits, options, { keepBecause, crypto });
  refuseSecondReading(source, destination, plan);
  const { digest, mediaType, bytes } = manifest;
  const types = plan.layers.map(({ blob }) => blob.mediaType);
  return {
    update: { digest, mediaType, size: bytes.byteLength, zstd: types.some(isZstd) },
    image: {
      digest,
      manifestTypes: plan.types,
      layers: plan.layers.map(({ blob, wish, cipher }) => ({
        digest: blob.digest,
        size: blob.size,
        mayChange: wish !== undefined || cipher !== undefined,
      })),
      kept: plan.types[0] === mediaType && plan.layers.every(isKept),
      ...(instance?.platform && { platform: formatPlatform(instance.platform) }),
    },
  };
}

function isZstd(mediaType: string): boolean {
  return mediaType.endsWith("+zstd");
}

function isKept({ blob: { mediaType, annotations }, wish, cipher }: PlannedLayer): boolean {
  if (cipher) return false;
  const found = /gzip$/.test(mediaType) ? "gzip" : isZstd(mediaType) ? "zstd" : undefined;
  return wish === undefined || layerChange(wish, packingOf(found, annotations)) === undefined;
}
