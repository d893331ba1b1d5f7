import { CopyError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import { admit } from "./admit.ts";
import { type BlobCopy, type BlobWork, copyBlobs } from "./blobs.ts";
import { checkSignatures, storeSignatures } from "./carried-signatures.ts";
import { configAt, type HeldConfig, pushConfig } from "./config.ts";
import type { CopyRequest, ImagePart } from "./copy-request.ts";
import { withDiffIds } from "./diff-ids.ts";
import type { CopyEvent } from "./events.ts";
import { telling } from "./failure.ts";
import { tellHeld } from "./held-image.ts";
import { refuseOtherLayers, withHeldLayers } from "./held-layers.ts";
import { type Plan, parseImage, planImage } from "./plan.ts";
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
  request: CopyRequest,
  manifest: RawManifest,
  part: ImagePart,
): Promise<WrittenImage> {
  const { source, destination, options, signal } = request;
  const report: (event: CopyEvent) => void =
    part.instance === undefined
      ? request.report
      : (event) => request.report({ ...event, instance: part.instance as number });
  if (isIndexType(manifest.mediaType)) {
    throw new CopyError(
      "copy.unsupported",
      "Unexpectedly received a manifest list instead of a manifest for a single image",
    );
  }
  const carrySignatures = !options.removeSignatures;
  const admitted = await admit(source, request.gate, manifest, {
    carrySignatures,
    signal,
    onReading: () => report({ type: "signatures-reading", of: "image" }),
  });
  report({ type: "admitted", manifest: manifest.digest });
  const from = formatImageReference(source.reference);
  const image = await telling(
    `initializing image from source ${from}`,
    "copy.source-failed",
    async () => await withHeldLayers(source, parseImage(manifest), { signal }),
  );
  const hasDestinationDigest = checkDestinationDigest(destination, manifest, part);
  await checkSignatures(admitted, request, report, "image");
  await checkSigning(request.signing, destination, manifest.digest, { signal });
  const keepBecause = reasonToKeep(options, admitted.signatures.length > 0, hasDestinationDigest);
  refuseOtherLayers(image, keepBecause);
  if (part.as === "top" && !image.held && (await request.holds?.(manifest, part.chosenFrom))) {
    tellHeld(manifest, report);
    await storeSignatures(admitted, manifest, { ...request, report }, "image");
    return { manifest, zstd: false };
  }
  const untold = planImage(image, destination.traits, options, keepBecause);
  refuseSecondReading(source, destination, untold);
  const config = untold.config && configAt(source, untold.config, signal);
  const wantsConfig = destination.traits.wantsConfig && isConfigFirst(source, untold);
  const told = wantsConfig ? await withDiffIds(image, untold, config) : undefined;
  const plan = told?.plan ?? untold;
  await using writer = await destination.openImage(
    {
      manifest,
      as: part.as,
      ...(part.chosenFrom && { chosenFrom: part.chosenFrom }),
      ...(told?.config && { config: told.config }),
    },
    { signal },
  );
  report({
    type: "blobs-planned",
    blobs: plan.layers.map(({ blob }) => ({ digest: blob.digest, size: blob.size })),
  });
  const copy = { ...request, writer, report };
  const written = await copyBlobs(plan.layers, copy, earlyConfig(config, plan, manifest, copy));
  const final = await writeFirstAccepted(
    { image, types: plan.types, written, config, ...(keepBecause && { keepBecause }) },
    copy,
  );
  await storeSignatures(admitted, final.manifest, { ...request, report }, "image");
  return final;
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
