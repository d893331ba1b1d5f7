import { type Digest, digestOf, hexOf } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import { artifactRefusal, isArtifact, parseImageManifest } from "../../core/image-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isSchema1Type } from "../../core/media-type.ts";
import { parseSchema1 } from "../../core/schema1.ts";
import { configOfSchema1 } from "../../core/schema1-conversion.ts";
import { imageId } from "../../storage/ids.ts";
import { TransportError } from "../contract/errors.ts";
import type { ExpectedImage } from "../contract/image-destination.ts";
import type { ExpectedLayers } from "./layer-stack.ts";

/**
 * What an image tells of its layers before they come.
 *
 * @throws {TransportError} `transport.unsupported` of what is no image: it would have no ID
 */
export function expectedLayers({ manifest, config }: ExpectedImage): ExpectedLayers {
  if (isSchema1Type(manifest.mediaType)) {
    const throwaway = parseSchema1(manifest).steps.map((step) => step.throwaway);
    return { throwaway, diffIds: [] };
  }
  const image = parseImageManifest(manifest);
  if (isArtifact(image)) throw refusal(artifactRefusal(image));
  const diffIds = config && parseImageConfig(config).rootfs.diff_ids;
  return { throwaway: image.layers.map(() => false), diffIds: diffIds ?? [] };
}

function refusal(why: string): TransportError {
  return new TransportError("transport.unsupported", `parsing image configuration: ${why}`);
}

/** @param diffIds of the image's layers: of schema 1, the config that the ID stands for is made with them */
export function imageIdOf(manifest: RawManifest, diffIds: readonly Digest[]): string {
  if (!isSchema1Type(manifest.mediaType))
    return imageId(parseImageManifest(manifest).config.digest);
  return hexOf(digestOf(configOfSchema1(parseSchema1(manifest), diffIds)));
}

/** When an image was made, as it says itself: not to be trusted to be a time. */
export function whenMade(
  manifest: RawManifest,
  configs: ReadonlyMap<Digest, Uint8Array>,
): string | undefined {
  if (isSchema1Type(manifest.mediaType))
    return parseSchema1(manifest).steps.at(-1)?.history.created;
  const config = configs.get(parseImageManifest(manifest).config.digest);
  try {
    return (config && parseImageConfig(config).created) ?? undefined;
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}
