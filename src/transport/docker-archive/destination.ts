import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Digest } from "../../core/digest.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { NewImage } from "../../docker-tar/new-image.ts";
import { refuseZstd } from "../../docker-tar/refuse-zstd.ts";
import {
  type DestinationTraits,
  type ExpectedImage,
  type ImageDestination,
  type ImageWriter,
  TransportError,
} from "../contract.ts";
import type { NewArchive } from "./new-archive.ts";

/**
 * An image's place in an archive that is being written. Into a file its layers go plain, as containers/image has it; a
 * pipe needs to know sizes first, so what is packed stays packed there.
 */
export class ArchiveDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits;
  readonly #archive: NewArchive;
  readonly #names: readonly DockerReference[];
  readonly #ownsArchive: boolean;

  /** @param ownsArchive whether the archive ends with this image */
  constructor(
    reference: ImageReference,
    archive: NewArchive,
    names: readonly DockerReference[],
    ownsArchive: boolean,
  ) {
    this.reference = reference;
    this.#archive = archive;
    this.#names = names;
    this.#ownsArchive = ownsArchive;
    this.traits = {
      manifestTypes: [mediaTypes.dockerManifest],
      indexes: false,
      signatureFormats: [],
      openBlobs: 1,
      layerOrder: "base-first",
      ...(archive.seeks
        ? { layers: "plain", newBlobs: "any" }
        : { layers: "as-is", newBlobs: "none" }),
    };
  }

  async openImage({ manifest: expected }: ExpectedImage): Promise<ImageWriter> {
    if (!this.#archive.seeks) {
      refuseZstd(expected, "Name a file, or with --tmpdir a folder to put the archive together in");
    }
    const image = new NewImage(this.#archive.images, this.#names);
    return {
      adoptBlob: async (blob, { role }) =>
        role !== "config" && image.hasLayer(blob) ? "held" : false,
      writeBlob: async (blob, { role }) => await image.add(blob, role === "config"),
      writeManifest: async (manifest) => await image.finish(manifest),
      async [Symbol.asyncDispose]() {},
    };
  }

  async writeIndex(): Promise<void> {
    throw this.#unsupported("Manifest lists are not supported for docker tar files");
  }

  async writeSignatures(_: Digest, signatures: readonly UntrustedSignature[]): Promise<void> {
    if (signatures.length === 0) return;
    throw this.#unsupported(
      `Can not copy signatures to ${formatImageReference(this.reference)}: Storing signatures for docker tar files is not supported`,
    );
  }

  #unsupported(message: string): TransportError {
    return new TransportError("transport.unsupported", message, { reference: this.reference });
  }

  async commit(): Promise<void> {
    if (this.#ownsArchive) await this.#archive.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownsArchive) await this.#archive[Symbol.asyncDispose]();
  }
}
