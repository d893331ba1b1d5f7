import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Digest } from "../core/digest.ts";
import { formatImageReference, type ImageReference } from "../core/image-reference.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { NewImage } from "../docker-tar/new-image.ts";
import type { CallOptions } from "./contract/call-options.ts";
import { TransportError } from "./contract/errors.ts";
import type {
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "./contract/image-destination.ts";

/** What is true of every destination that is an archive in docker's form. */
export const dockerTarTraits = {
  manifestTypes: [mediaTypes.dockerManifest],
  indexes: false,
  signatureFormats: [],
  openBlobs: 1,
  layerOrder: "base-first",
} as const satisfies Partial<DestinationTraits>;

/** An image being written in docker's form, to a file, a pipe or a daemon; it holds neither lists nor signatures. */
export abstract class DockerTarDestination implements ImageDestination {
  readonly reference: ImageReference;
  abstract readonly traits: DestinationTraits;

  constructor(reference: ImageReference) {
    this.reference = reference;
  }

  /** @throws {TransportError} `transport.unsupported` for what cannot be held */
  protected abstract begin(image: ExpectedImage): NewImage;

  async openImage(expected: ExpectedImage): Promise<ImageWriter> {
    const image = this.begin(expected);
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

  abstract commit(options: CallOptions): Promise<void>;

  abstract [Symbol.asyncDispose](): Promise<void>;
}
