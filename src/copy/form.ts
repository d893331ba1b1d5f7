import {
  type ConvertedImage,
  convertImage,
  type ImageChange,
  type ImageForm,
  type MadeBlob,
} from "../core/conversion.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { DockerReference } from "../core/docker-reference.ts";
import { CopyError } from "../core/errors.ts";
import { isRecompressible, type LayerCompression, type LayerEdit } from "../core/layer-edits.ts";
import type { RawManifest } from "../core/manifest.ts";
import { isSchema1Type } from "../core/media-type.ts";
import type { HeldConfig } from "./config.ts";
import { failedWhile } from "./failure.ts";
import type { WrittenBlob } from "./move-blob.ts";
import { blobsOf, isForeign, layersOf, type ParsedImage } from "./plan.ts";
import type { ReadyImage } from "./write-manifest.ts";

/** A manifest to offer, and the blobs that must be there before it. */
export interface ManifestForm {
  readonly manifest: RawManifest;
  readonly config?: HeldConfig;
  /** The empty layer, where schema 1 needs one. */
  readonly emptyLayer?: HeldConfig;
  /** Whether a layer is compressed with zstd. */
  readonly zstd: boolean;
}

/**
 * The image as a manifest of `type`, made of what its layers became.
 *
 * @throws {CopyError} `copy.unsupported` where that type cannot express it
 */
export async function formOf(
  ready: ReadyImage,
  type: string,
  reference: DockerReference | undefined,
): Promise<ManifestForm> {
  const { image, written, config, keepBecause } = ready;
  const layers = layersOf(image);
  checkMeasured(ready, type);
  const edits = editsOf(image, written);
  const zstd = edits.some(
    ({ compression }, index) =>
      (compression ?? (layers[index]?.mediaType.endsWith("+zstd") ? "zstd" : "none")) === "zstd",
  );
  if (keepBecause !== undefined) {
    refuseUnknownSizes(layers, edits);
    return { manifest: image.raw, zstd, ...(config && { config }) };
  }
  const bytes = needsConfig(image.raw.mediaType, type) ? await config?.bytes() : undefined;
  const converted = convert(
    { manifest: image.raw, ...(bytes && { config: bytes }) },
    { mediaType: type, layers: edits, ...(reference && { reference }) },
  );
  return { zstd, ...withBlobs(converted, type, config) };
}

/** What comes through a pipe may have had to be told of before it was known how long it is. */
function refuseUnknownSizes(layers: readonly Descriptor[], edits: readonly LayerEdit[]): void {
  if (layers.every(({ size }, index) => size !== 0 || edits[index]?.size === 0)) return;
  throw new CopyError(
    "copy.unsupported",
    "Cannot keep the manifest: it was made before the sizes of the layers were known",
    { hint: "Name a file instead of a pipe" },
  );
}

/** A config of schema 1 is made of its layers' uncompressed digests, which only a plan that wanted them has. */
function checkMeasured({ image, written }: ReadyImage, type: string): void {
  if (image.kind !== "schema1" || isSchema1Type(type)) return;
  if (blobsOf(image).every(({ digest }) => written.get(digest)?.uncompressed)) return;
  throw new CopyError(
    "copy.unsupported",
    `Can not convert image to ${type}, preparing DiffIDs for this case is not supported`,
  );
}

function convert(image: ImageForm, change: ImageChange): ConvertedImage {
  try {
    return convertImage(image, change);
  } catch (error) {
    const code = error instanceof CopyError ? error.code : "copy.source-failed";
    throw failedWhile("creating an updated image manifest", code, error);
  }
}

function needsConfig(from: string, to: string): boolean {
  return from !== to && !isSchema1Type(from);
}

function withBlobs(
  { manifest, config: made, emptyLayer }: ConvertedImage,
  type: string,
  kept: HeldConfig | undefined,
): Omit<ManifestForm, "zstd"> {
  const config = isSchema1Type(type) ? undefined : made ? held(made) : kept;
  return {
    manifest,
    ...(config && { config }),
    ...(emptyLayer && { emptyLayer: held(emptyLayer) }),
  };
}

function held({ descriptor, bytes }: MadeBlob): HeldConfig {
  return { descriptor, bytes: async () => bytes };
}

function editsOf(
  image: ParsedImage,
  written: ReadonlyMap<Digest, WrittenBlob>,
): readonly LayerEdit[] {
  const blobs = blobsOf(image);
  return layersOf(image).map((layer, index) => {
    const blob = blobs[index] ?? layer;
    const found = written.get(blob.digest);
    if (!image.held || !found) return editOf(layer, found);
    const compression = found.compression ?? compressionOf(blob); // what the manifest says is another blob's
    const edit = editOf(layer, { ...found, compression });
    const isWrong = edit.compression && edit.compression !== compressionOf(layer);
    return isWrong ? { ...edit, restated: true } : edit;
  });
}

function compressionOf({ mediaType }: Descriptor): LayerCompression {
  if (mediaType.endsWith("zstd")) return "zstd";
  return mediaType.endsWith("gzip") ? "gzip" : "none";
}

function editOf(layer: Descriptor, written: WrittenBlob | undefined): LayerEdit {
  const { digest, size } = written?.descriptor ?? layer;
  const { compression, uncompressed, cipher, annotations } = written ?? {};
  return {
    digest,
    size,
    ...(cipher && { cipher }),
    ...(annotations && { annotations }),
    ...(compression && isRecompressible(layer.mediaType) && { compression }),
    ...(uncompressed && { diffId: uncompressed.digest }),
    ...(isForeign(layer) && !written && { foreign: true }),
  };
}
