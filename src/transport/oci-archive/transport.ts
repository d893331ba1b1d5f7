import type { ImageReference } from "../../core/image-reference.ts";
import { parseOciLocation } from "../../layout/location.ts";
import { inheritedNumber } from "../../layout/pipe.ts";
import { TransportError } from "../contract/errors.ts";
import type { Transport } from "../contract/transport.ts";
import { resolveArchiveLocation } from "./location.ts";

/** What OCI archives need of the outside. */
export interface OciArchiveTransportOptions {
  readonly acceptUncompressedLayers?: boolean;
  /** A folder for what comes out of a pipe, or goes into one: without it nothing is put aside. */
  readonly spoolFolder?: string;
  /** Milliseconds since 1970: what members are dated. */
  readonly clock: () => number;
}

/** Images in a tar of an OCI layout, read and written in place. */
export function createOciArchiveTransport(options: OciArchiveTransportOptions): Transport {
  const { acceptUncompressedLayers = false, spoolFolder, clock } = options;
  const locate = ({ typed, text }: ImageReference) => parseOciLocation(typed ?? text);
  return {
    name: "oci-archive",
    resolve: resolveArchiveLocation,
    async openSource(reference, { signal }) {
      const { openArchiveSource } = await import("./source.ts");
      return await openArchiveSource(reference, locate(reference), { signal, spoolFolder });
    },
    async openImages(reference, { signal }) {
      const { openArchiveImages } = await import("./source.ts");
      return await openArchiveImages(reference, locate(reference), { signal, spoolFolder });
    },
    async openDestination(reference, call) {
      const { openArchiveDestination } = await import("./destination.ts");
      const typed = locate(reference);
      // What this process was given open is written to as it is, even where it is a file with a path of its own.
      const isInherited = inheritedNumber(typed.path) !== undefined;
      const { path, name } = isInherited ? typed : parseOciLocation(reference.text);
      const place = { path, ...(name !== undefined && { name }) };
      const how = { acceptUncompressedLayers, spoolFolder, clock };
      return await openArchiveDestination(reference, place, how, call);
    },
    async deleteImage(reference) {
      // The name is skopeo's.
      throw new TransportError(
        "transport.unsupported",
        "Deleting images not implemented for oci: images",
        { reference },
      );
    },
  };
}
