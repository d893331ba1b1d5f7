import type { ImageReference } from "../../core/image-reference.ts";
import { openBlobFile, readSmallFile } from "../../layout/blob-file.ts";
import { chooseEntry } from "../../layout/entries.ts";
import { newEntry } from "../../layout/index-file.ts";
import { blobPath, type LayoutPaths, readLayoutIndex } from "../../layout/layout-folder.ts";
import type { OciLocation } from "../../layout/location.ts";
import type { OpenImages } from "../contract/transport.ts";
import { findEntry, imagesOf, type LayoutParts, LayoutSource } from "../layout-source.ts";

/**
 * Opens what index.json names so.
 *
 * @throws {TransportError} `transport.image-not-found` where no entry has the name
 * @throws {LayoutError} where index.json cannot be read, or the choice is not one
 */
export async function openOciSource(
  reference: ImageReference,
  location: OciLocation,
  paths: LayoutPaths,
): Promise<LayoutSource> {
  const parts = await openFolder(paths);
  const { digest } = location;
  const entry =
    digest === undefined
      ? findEntry(parts.index, location, reference).entry
      : (chooseEntry(parts.index, location)?.entry ?? newEntry("", digest, 0)); // index.json need not name it
  return new LayoutSource(reference, parts, entry);
}

/**
 * Opens what index.json names, all of it or the one that `location` is about.
 *
 * @throws what {@link openOciSource} throws
 */
export async function openOciImages(
  reference: ImageReference,
  location: OciLocation,
  paths: LayoutPaths,
): Promise<OpenImages> {
  return imagesOf(reference, location, await openFolder(paths));
}

async function openFolder(paths: LayoutPaths): Promise<LayoutParts> {
  return {
    traits: { openBlobs: 64, access: "any", reopens: true },
    index: await readLayoutIndex(paths),
    blobOrder: [],
    readBlob: (digest, maxBytes) => readSmallFile(blobPath(paths, digest), maxBytes),
    openBlob: (blob, options) => openBlobFile(blobPath(paths, blob.digest), blob, options),
    async [Symbol.asyncDispose]() {}, // each blob closes its own file
  };
}
