import { ociImage } from "../../core/config-structs.ts";
import { type Digest, digestOf, hexOf } from "../../core/digest.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { ociDescriptor, ociManifest } from "../../core/manifest-structs.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { encodeUtf8 } from "../../core/utf8.ts";
import type { MeasuredLayer } from "./layer-file.ts";

/** A layer, and when its file was last changed, in nanoseconds since 1970. */
export interface DatedLayer extends MeasuredLayer {
  readonly modified: bigint;
}

/** An image made of tars. */
export interface MadeImage {
  readonly manifest: RawManifest;
  readonly config: Uint8Array;
  readonly configDigest: Digest;
}

/** What an image says it runs on. */
export interface MadeFor {
  readonly architecture: string;
  readonly os: string;
}

/** The image that skopeo makes of these layers, base first, byte for byte. */
export function makeImage(layers: readonly DatedLayer[], platform: MadeFor): MadeImage {
  const config = encodeUtf8(configOf(layers, platform));
  const configDigest = digestOf(config);
  const described = (mediaType: string, digest: string, size: number) => ({
    ...ociDescriptor.zero,
    mediaType,
    digest,
    size: BigInt(size),
  });
  const manifest = ociManifest.write({
    ...ociManifest.zero,
    schemaVersion: 2n,
    mediaType: mediaTypes.ociManifest,
    config: described(mediaTypes.ociConfig, configDigest, config.byteLength),
    layers: layers.map(({ descriptor: { mediaType, digest, size } }) =>
      described(mediaType, digest, size),
    ),
  });
  return { manifest: readRawManifest(encodeUtf8(manifest)), config, configDigest };
}

function configOf(layers: readonly DatedLayer[], { architecture, os }: MadeFor): string {
  let newest = layers[0]?.modified ?? 0n;
  for (const { modified } of layers) if (modified > newest) newest = modified;
  return ociImage.write({
    ...ociImage.zero,
    created: goTimeOf(newest),
    architecture,
    os,
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ diffId, modified }) => ({
      created: goTimeOf(modified),
      created_by: `/bin/sh -c #(nop) ADD file:${hexOf(diffId)} in /`,
      author: "",
      comment: "imported from tarball",
      empty_layer: false,
    })),
  });
}

const perSecond = 1_000_000_000n;

/** As Go writes a time in UTC: no more of the fraction than there is. */
function goTimeOf(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % perSecond) + perSecond) % perSecond;
  const seconds = Number((nanoseconds - fraction) / perSecond);
  const whole = new Date(seconds * 1000).toISOString().slice(0, -".000Z".length);
  const digits = String(fraction).padStart(9, "0").replace(/0+$/, "");
  return digits === "" ? `${whole}Z` : `${whole}.${digits}Z`;
}
