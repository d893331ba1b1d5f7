import type { ImageReference } from "../../core/image-reference.ts";
import { removeImage } from "../../layout/garbage.ts";
import { IndexMemory } from "../../layout/index-memory.ts";
import { type OciLocation, parseOciLocation } from "../../layout/location.ts";
import { identifyProcess } from "../../layout/owner.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { Transport } from "../contract/transport.ts";
import { findEntry } from "../layout-source.ts";
import { besideImages } from "./companions.ts";
import { openOciDestination } from "./destination.ts";
import { heldByLayout } from "./held.ts";
import { resolveOciLocation } from "./location.ts";
import { openOciImages, openOciSource } from "./source.ts";

/** `--src-shared-blob-dir` and its like. */
export interface OciTransportOptions {
  /** Where the blobs of layouts are that are read: `<algorithm>/<hex>` in it. By default each layout's own. */
  readonly sourceSharedBlobDir?: string;
  readonly destinationSharedBlobDir?: string;
  readonly acceptUncompressedLayers?: boolean;
}

/** Images in folders that follow the OCI image layout. */
export function createOciTransport(options: OciTransportOptions = {}): Transport {
  const locate = ({ typed, text }: ImageReference) => parseOciLocation(typed ?? text);
  const memory = new IndexMemory();
  const readPaths = (location: OciLocation) => ({
    folder: location.path,
    sharedBlobs: options.sourceSharedBlobDir,
    memory,
  });
  const writePaths = (location: OciLocation) => ({
    folder: location.path,
    sharedBlobs: options.destinationSharedBlobDir,
    memory,
  });
  const remove = async (reference: ImageReference, { signal }: CallOptions) => {
    const location = locate(reference);
    const self = await identifyProcess();
    await removeImage(readPaths(location), { self, signal }, (index) =>
      findEntry(index, location, reference),
    );
  };
  return {
    name: "oci",
    keepsReplaced: true,
    resolve: resolveOciLocation,
    async openSource(reference) {
      const location = locate(reference);
      return await openOciSource(reference, location, readPaths(location));
    },
    async openImages(reference) {
      const location = locate(reference);
      return await openOciImages(reference, location, readPaths(location));
    },
    async openDestination(reference, { onlyIfFree = false, keepReplaced, dryRun = false }) {
      const location = locate(reference);
      return await openOciDestination(reference, location, writePaths(location), {
        acceptUncompressedLayers: options.acceptUncompressedLayers ?? false,
        onlyIfFree,
        dryRun,
        ...(keepReplaced && { keepReplaced }),
      });
    },
    tellsDestinationsOnly: true,
    async digestOf(reference, as) {
      if (as === "source") return undefined;
      const location = locate(reference);
      return await heldByLayout(writePaths(location), location);
    },
    deleteImage: remove,
    ...besideImages({
      pathsOf(reference, as) {
        const location = locate(reference);
        return as === "source" ? readPaths(location) : writePaths(location);
      },
      remove,
    }),
  };
}
