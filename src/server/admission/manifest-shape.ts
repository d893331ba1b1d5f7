import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { parseDigest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import { type ImageManifest, parseImageManifest } from "../../core/image-manifest.ts";
import { type IndexManifest, parseIndexManifest } from "../../core/index-manifest.ts";
import { JsonObject, parseJsonText } from "../../core/json-text.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isImageManifestType, isIndexType } from "../../core/media-type.ts";
import { decodeUtf8 } from "../../core/utf8.ts";

/** What a manifest names. */
export type ManifestShape =
  | { readonly type: "index"; readonly index: IndexManifest; readonly names: readonly Digest[] }
  | { readonly type: "image"; readonly image: ImageManifest; readonly names: readonly Digest[] }
  /** Docker's schema 1, which is always an image to be run. */
  | { readonly type: "schema1"; readonly names: readonly Digest[] };

/**
 * Reads what a manifest names: an index its instances, an image its config and layers.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function shapeOf(manifest: RawManifest): ManifestShape {
  if (isIndexType(manifest.mediaType)) {
    const index = parseIndexManifest(manifest);
    return { type: "index", index, names: digestsOf(index.instances) };
  }
  if (isImageManifestType(manifest.mediaType)) {
    const image = parseImageManifest(manifest);
    return { type: "image", image, names: digestsOf([image.config, ...image.layers]) };
  }
  return { type: "schema1", names: schema1Layers(manifest) };
}

function digestsOf(descriptors: readonly Descriptor[]): readonly Digest[] {
  return [...new Set(descriptors.map(({ digest }) => digest))];
}

function schema1Layers({ bytes }: RawManifest): readonly Digest[] {
  const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 32 });
  const layers = memberOf(document, "fsLayers");
  const sums = Array.isArray(layers) ? layers.map((layer) => memberOf(layer, "blobSum")) : [];
  return [...new Set(sums.map(toDigest))];
}

function memberOf(node: unknown, name: string): unknown {
  return node instanceof JsonObject
    ? node.members.find((member) => member.name === name)?.value
    : undefined;
}

function toDigest(value: unknown): Digest {
  if (typeof value === "string") return parseDigest(value);
  throw new ContentError("content.bad-manifest", "a layer of schema 1 has no blobSum");
}

/** What a manifest names; nothing where it cannot be read. */
export function namesOf(manifest: RawManifest): readonly Digest[] {
  return shapeIfAny(manifest)?.names ?? [];
}

/** As {@link shapeOf}; undefined where it cannot be read. */
export function shapeIfAny(manifest: RawManifest): ManifestShape | undefined {
  try {
    return shapeOf(manifest);
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}
