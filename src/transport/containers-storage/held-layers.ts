import type { Digest } from "../../core/digest.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isSchema1Type, mediaTypes } from "../../core/media-type.ts";
import { parseSchema1 } from "../../core/schema1.ts";
import { emptyLayer } from "../../core/schema1-conversion.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import { TransportError } from "../contract/errors.ts";
import type { HeldLayer } from "../contract/image-source.ts";

/** How the store's numbers for compression are called. */
const packings: Readonly<Record<number, "gzip" | "zstd">> = { 2: "gzip", 4: "zstd" };

/**
 * The layers of a manifest as the store has them, base first; the empty one for steps of schema 1 that left no files.
 *
 * @param chain the image's layers, base first
 * @throws {TransportError} `transport.unreadable` where the two do not fit
 */
export function layersHeld(
  manifest: RawManifest,
  chain: readonly LayerRecord[],
): readonly HeldLayer[] {
  const mediaType =
    manifest.mediaType === mediaTypes.ociManifest ? mediaTypes.ociLayer : mediaTypes.dockerLayer;
  let next = 0;
  const layers = throwaways(manifest).map((throwaway): HeldLayer => {
    if (throwaway) {
      const { digest, bytes } = emptyLayer;
      return { mediaType: mediaTypes.dockerLayerGzip, digest, size: bytes.byteLength };
    }
    const layer = chain[next++];
    if (layer) return held(layer, mediaType);
    throw unfit(`expected more than ${chain.length} physical layers to exist`);
  });
  if (next === chain.length) return layers;
  throw unfit(`used only ${next} out of ${chain.length} physical layers`);
}

/** Of each layer of the manifest, whether the store has none for it. */
function throwaways(manifest: RawManifest): readonly boolean[] {
  if (!isSchema1Type(manifest.mediaType)) {
    return parseImageManifest(manifest).layers.map(() => false);
  }
  return parseSchema1(manifest).steps.map(({ throwaway }) => throwaway);
}

function held(layer: LayerRecord, mediaType: string): HeldLayer {
  const digest = diffIdOf(layer);
  const { compressedDigest, compressedSize } = layer;
  const compression = packings[layer.compression];
  const isKnown = compressedDigest !== undefined && compressedSize > 0 && compression !== undefined;
  return {
    mediaType,
    digest,
    size: layer.diffSize > 0 ? layer.diffSize : -1,
    ...(isKnown && { packed: { digest: compressedDigest, size: compressedSize, compression } }),
  };
}

/** Of a layer pulled in parts, what it should be: it is verified as it is read. */
function diffIdOf({ id, diffId, expectedDiffId, tocDigest }: LayerRecord): Digest {
  const digest = diffId ?? (tocDigest && expectedDiffId);
  if (digest !== undefined) return digest;
  throw unfit(`uncompressed digest and TOC digest for layer "${id}" is unknown`);
}

function unfit(message: string): TransportError {
  return new TransportError("transport.unreadable", message);
}
