import type { Gate } from "../../policy/gate.ts";
import { CopyError } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isIndexType } from "../core/media-type.ts";
import type { Compression } from "../stream/recompress.ts";
import type { ImageDestination, ImageSource } from "../transport/contract.ts";
import { type AdmittedImage, admit } from "./admit.ts";
import { type BlobCopy, type BlobWork, copyBlobs } from "./blobs.ts";
import { configAt, type HeldConfig, pushConfig } from "./config.ts";
import { withDiffIds } from "./diff-ids.ts";
import type { CopyEvent, Report } from "./events.ts";
import { telling } from "./failure.ts";
import { tellHeld } from "./held-image.ts";
import { refuseOtherLayers, withHeldLayers } from "./held-layers.ts";
import type { CopyOptions } from "./options.ts";
import { type Plan, parseImage, planImage } from "./plan.ts";
import { checkSigning, makeSignatures, type Signing, whyNotKept } from "./sign.ts";
import { isConfigFirst, refuseSecondReading } from "./tape.ts";
import type { Transfers } from "./transfers.ts";
import { type WrittenImage, writeFirstAccepted } from "./write-manifest.ts";

/** One copy, of one image or of a list and its instances. */
export interface CopyRequest {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  /** Not optional: no image is copied unasked. */
  readonly gate: Gate;
  readonly transfers: Transfers;
  readonly compression: Compression;
  readonly options: CopyOptions;
  /** Whether the destination has this very image, as top: then only its signatures are brought. Absent: it has not. */
  readonly holds?: (image: RawManifest, chosenFrom: RawManifest | undefined) => Promise<boolean>;
  /** Absent where nothing is signed. */
  readonly signing?: Signing;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Which part of a copy an image is. */
export interface ImagePart {
  readonly as: "top" | "instance";
  /** Which of a list's images; tells events apart. */
  readonly instance?: number;
  /** The index it was chosen from. */
  readonly chosenFrom?: RawManifest;
}

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

/** Why the manifest must not change — `specs/skopeo-cli.md` 3.2; undefined where it may. */
export function reasonToKeep(
  options: CopyOptions,
  signed: boolean,
  hasDestinationDigest: boolean,
): string | undefined {
  if (signed) return "Would invalidate signatures";
  if (hasDestinationDigest) return "Destination specifies a digest";
  return options.preserveDigests ? "Instructed to preserve digests" : undefined;
}

/** Whether the destination names a digest; it must then be the image's own or that of the index it stands in. */
export function checkDestinationDigest(
  destination: ImageDestination,
  manifest: RawManifest,
  part: ImagePart,
): boolean {
  const digest = destination.reference.docker?.digest;
  if (digest === undefined) return false;
  if (digest !== manifest.digest && digest !== part.chosenFrom?.digest) {
    throw new CopyError(
      "copy.digest-would-change",
      "Digest of source image's manifest would not match destination reference",
    );
  }
  return true;
}

/** Refuses before any blob moves where the destination cannot keep the signatures. */
export async function checkSignatures(
  { manifest, signatures }: AdmittedImage,
  { destination, signal }: Pick<CopyRequest, "destination" | "signal">,
  report: Report,
  of: "image" | "list",
): Promise<void> {
  if (signatures.length === 0) return;
  report({ type: "signatures-checking", of });
  const { reference, traits } = destination;
  const formats = [...new Set(signatures.map(({ format }) => format))];
  if (formats.every((format) => traits.signatureFormats.includes(format))) {
    return await telling("writing signatures", "copy.destination-failed", async () =>
      destination.checkSignatureFormats?.(manifest.digest, formats, { signal }),
    );
  }
  throw new CopyError(
    "copy.signatures-would-be-lost",
    `Can not copy signatures to ${formatImageReference(reference)}: ${whyNotKept(reference.transport)}`,
    { hint: "Pass --remove-signatures to copy the image without them" },
  );
}

/** Makes the signatures wanted, and writes them, after those carried along, to the manifest they are of. */
export async function storeSignatures(
  { signatures: carried }: AdmittedImage,
  manifest: RawManifest,
  { signing, destination, report, signal }: CopyRequest,
  of: "image" | "list",
): Promise<void> {
  const toSign = { manifest: manifest.digest, carried, of };
  const made = await makeSignatures(signing, toSign, destination, { report, signal });
  const signatures = [...carried, ...made];
  if (signatures.length > 0 || of === "list") report({ type: "signatures-storing", of });
  if (signatures.length === 0) return;
  await telling("writing signatures", "copy.destination-failed", () =>
    destination.writeSignatures(manifest.digest, signatures, { signal }),
  );
}
