import { CopyError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import type { ImageSource } from "../transport/contract/image-source.ts";
import { type AdmittedImage, admit } from "./admit.ts";
import { type BlobCopy, type BlobWork, copyBlobs } from "./blobs.ts";
import { checkSignatures, storeSignatures } from "./carried-signatures.ts";
import { configAt, type HeldConfig, pushConfig } from "./config.ts";
import type { CopyRequest, ImagePart } from "./copy-request.ts";
import { withDiffIds } from "./diff-ids.ts";
import type { Report } from "./events.ts";
import { telling } from "./failure.ts";
import { tellHeld } from "./held-image.ts";
import { refuseOtherLayers, withHeldLayers } from "./held-layers.ts";
import { tellOtherPlatform } from "./other-platform.ts";
import { type ParsedImage, type Plan, parseImage, planImage } from "./plan.ts";
import { checkDestinationDigest, reasonToKeep } from "./reason-to-keep.ts";
import { checkSigning } from "./sign.ts";
import { isConfigFirst, refuseSecondReading } from "./tape.ts";
import { type WrittenImage, writeFirstAccepted } from "./write-manifest.ts";

/**
 * Copies one image in the first of its planned forms that the destination takes. The caller commits.
 *
 * @throws {PolicyError} `policy.refused` before anything of the image is parsed or any blob opened
 * @throws {CopyError} `copy.unsupported` where the destination cannot hold this kind of image
 */
export async function copyImage(
  copy: CopyRequest,
  manifest: RawManifest,
  part: ImagePart,
): Promise<WrittenImage> {
  const request = { ...copy, report: reportOf(copy, part) };
  const wanted = await admitImage(request, manifest, part);
  const { image } = wanted;
  if (part.as === "top" && !image.held && (await request.holds?.(manifest, part.chosenFrom))) {
    tellHeld(manifest, request.report);
    await storeSignatures(wanted.admitted, manifest, request, "image");
    return { manifest, zstd: false };
  }
  const planned = await planCopy(request, wanted);
  await using writer = await request.destination.openImage(
    {
      manifest,
      as: part.as,
      ...(part.chosenFrom && { chosenFrom: part.chosenFrom }),
      ...(planned.told && { config: planned.told }),
    },
    { signal: request.signal },
  );
  const written = await writeImage({ ...request, writer }, wanted, planned);
  await storeSignatures(wanted.admitted, written.manifest, request, "image");
  return written;
}

function reportOf({ report }: CopyRequest, { instance }: ImagePart): Report {
  return instance === undefined ? report : (event) => report({ ...event, instance });
}

/** An image that may be copied, and whose signatures can be kept. */
interface WantedImage {
  readonly admitted: AdmittedImage;
  readonly image: ParsedImage;
  /** Why the manifest must stay as it is, if it must. */
  readonly keepBecause: string | undefined;
}

/** The image, let in by the gate: only then is it parsed, and the destination asked whether it suits. */
async function admitImage(
  request: CopyRequest,
  manifest: RawManifest,
  part: ImagePart,
): Promise<WantedImage> {
  const { source, destination, options, report, signal } = request;
  if (isIndexType(manifest.mediaType)) {
    throw new CopyError(
      "copy.unsupported",
      "Unexpectedly received a manifest list instead of a manifest for a single image",
    );
  }
  let read: Promise<ParsedImage> | undefined;
  const readImage = () => {
    read ??= parseFrom(source, manifest, signal);
    return read;
  };
  const admitted = await admit(source, request.gate, manifest, {
    carrySignatures: !options.removeSignatures,
    signal,
    async onReading() {
      await readImage();
      checkDestinationDigest(destination, manifest, part);
      report({ type: "signatures-reading", of: "image" });
    },
  });
  report({ type: "admitted", manifest: manifest.digest });
  const image = await readImage();
  const hasDestinationDigest = checkDestinationDigest(destination, manifest, part);
  await checkSignatures(admitted, request, report, "image");
  await checkSigning(request.signing, destination, manifest.digest, { signal });
  const keepBecause = reasonToKeep(options, admitted.signatures.length > 0, hasDestinationDigest);
  refuseOtherLayers(image, keepBecause);
  return { admitted, image, keepBecause };
}

function parseFrom(
  source: ImageSource,
  manifest: RawManifest,
  signal: AbortSignal,
): Promise<ParsedImage> {
  return telling(
    `initializing image from source ${formatImageReference(source.reference)}`,
    "copy.source-failed",
    async () => await withHeldLayers(source, parseImage(manifest), { signal }),
  );
}

/** What is to be done for one image. */
interface PlannedCopy {
  readonly plan: Plan;
  readonly config: HeldConfig | undefined;
  /** The config, where the destination is to be told of it before the layers. */
  readonly told: Uint8Array | undefined;
}

async function planCopy(
  { source, destination, options, crypto, report, signal }: CopyRequest,
  { image, keepBecause }: WantedImage,
): Promise<PlannedCopy> {
  const plan = planImage(image, destination.traits, options, { keepBecause, crypto });
  refuseSecondReading(source, destination, plan);
  const config = plan.config && configAt(source, plan.config, signal);
  const wantsConfig = destination.traits.wantsConfig && isConfigFirst(source, plan);
  if (!wantsConfig) return { plan, config, told: undefined };
  const withConfig = await withDiffIds(image, plan, config);
  if (destination.traits.runsImages && withConfig.config) {
    tellOtherPlatform(withConfig.config, options.platform, report);
  }
  return { plan: withConfig.plan, config, told: withConfig.config };
}

/** Brings the blobs, then the manifest. */
async function writeImage(
  copy: BlobCopy,
  { image, keepBecause }: WantedImage,
  { plan, config }: PlannedCopy,
): Promise<WrittenImage> {
  copy.report({
    type: "blobs-planned",
    blobs: plan.layers.map(({ blob, place }) => ({
      digest: blob.digest,
      size: blob.size,
      positions: place.positions,
    })),
  });
  const written = await copyBlobs(plan.layers, copy, earlyConfig(config, plan, image.raw, copy));
  copy.source.checkAgain?.();
  return await writeFirstAccepted(
    { image, types: plan.types, written, config, ...(keepBecause && { keepBecause }) },
    copy,
  );
}

/** A config that will stay as it is goes along with the layers; any is taken from a tape when it comes. */
function earlyConfig(
  config: HeldConfig | undefined,
  plan: Plan,
  manifest: RawManifest,
  copy: BlobCopy,
): BlobWork | undefined {
  if (!config) return undefined;
  const { digest } = config.descriptor;
  if (plan.types[0] === manifest.mediaType) {
    return { digest, work: (signal) => pushConfig(config, { ...copy, signal }) };
  }
  return copy.source.traits.access === "tape" ? { digest, work: () => config.bytes() } : undefined;
}
