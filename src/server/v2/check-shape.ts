import { ContentError } from "../../core/errors.ts";
import { parseImageManifest, readManifestAs } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { dockerManifest, ociIndex } from "../../core/manifest-structs.ts";
import { isIndexType, isSchema1Type, mediaTypes } from "../../core/media-type.ts";
import { parseDescriptor } from "../../core/parse-descriptor.ts";

/**
 * Goes on where a manifest has what every one of its type has: its version, and descriptors that can be relied upon. What
 * else is in it is the client's affair.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function checkShape(manifest: RawManifest): void {
  const { mediaType } = manifest;
  if (isSchema1Type(mediaType)) return;
  // All four have these two members alike.
  const { schemaVersion, manifests } = readManifestAs(ociIndex, manifest);
  if (schemaVersion !== 2n) throw bad("schemaVersion is not 2");
  if (isIndexType(mediaType)) {
    if (manifests === null && !names(manifest, "manifests")) {
      throw bad("an index without manifests");
    }
    parseIndexManifest(manifest);
  } else if (mediaType === mediaTypes.ociManifest) parseImageManifest(manifest);
  // Layers of types that Docker does not know are met in the wild.
  else parseDescriptor(readManifestAs(dockerManifest, manifest).config, "config");
}

/** Whether the member is there, though it be null: that is how clients in Go write an index with nothing in it. */
function names({ bytes }: RawManifest, member: string): boolean {
  return Object.hasOwn(JSON.parse(Buffer.from(bytes).toString()), member);
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", message);
}
