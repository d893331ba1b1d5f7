import type { ImageReference } from "../../core/image-reference.ts";
import { TransportError } from "../contract/errors.ts";
import type { DestinationTraits } from "../contract/image-destination.ts";
import type { Transport } from "../contract/transport.ts";
import { openDirDestination } from "./destination.ts";
import { heldByFolder } from "./held.ts";
import { resolveDirLocation } from "./location.ts";
import { namedFolders } from "./named.ts";
import { signaturePlace } from "./signature-place.ts";
import { DirSource } from "./source.ts";

/** What `dir:` does to layers as a destination; not both. */
export interface DirTransportOptions {
  /** Compress plain layers. */
  readonly compress?: boolean;
  /** Decompress layers. */
  readonly decompress?: boolean;
}

/** Images as the files of one folder: made for looking at, and for carrying signatures along. */
export function createDirTransport(options: DirTransportOptions = {}): Transport {
  return {
    name: "dir",
    keepsReplaced: true,
    isAtHand: true,
    resolve: resolveDirLocation,
    openSource: async (reference) => new DirSource(reference, reference.typed ?? reference.text),
    signaturePlaces: async (reference) => [signaturePlace(reference)],
    openDestination: async (reference, { onlyIfFree = false, keepReplaced }) =>
      await openDirDestination(reference, reference.text, {
        layers: layersFor(options, reference),
        onlyIfFree,
        ...(keepReplaced && { keepReplaced }),
      }),
    tellsDestinationsOnly: true,
    async digestOf({ text }, as) {
      const mayChangeLayers = options.compress || options.decompress;
      return as === "source" || mayChangeLayers ? undefined : await heldByFolder(text);
    },
    named: namedFolders,
  };
}

function layersFor(
  { compress, decompress }: DirTransportOptions,
  reference: ImageReference,
): DestinationTraits["layers"] {
  if (compress && decompress) {
    throw new TransportError(
      "transport.unsupported",
      "Cannot compress and decompress at the same time",
      { reference },
    );
  }
  if (compress) return "compressed";
  return decompress ? "plain" : "as-is";
}
