import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageReference } from "../core/image-reference.ts";
import { type RawManifest, readRawManifest } from "../core/manifest.ts";
import type { ArchiveFiles } from "../docker-tar/archive-files.ts";
import { ArchivedImage } from "../docker-tar/archived-image.ts";
import { chooseItem } from "../docker-tar/choose-item.ts";
import type { ManifestItem } from "../docker-tar/manifest-file.ts";
import type { BlobStream } from "../stream/blob-stream.ts";
import type { CallOptions } from "./contract/call-options.ts";
import { TransportError } from "./contract/errors.ts";
import type { ImageSource, SourceTraits } from "./contract/image-source.ts";

/** An archive in docker's form, and which of its images is meant. */
export interface DockerTarParts {
  readonly files: ArchiveFiles;
  /** What manifest.json says. */
  readonly items: readonly ManifestItem[];
  readonly wanted: Parameters<typeof chooseItem>[1];
  /** What the manifest must have, if that is known. */
  readonly digest?: Digest;
  /** Called when the image is done with. */
  close(): Promise<void>;
}

/** An image of an archive in docker's form: a file, a pipe, or what a daemon sends. */
export class DockerTarSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #parts: DockerTarParts;
  #image: Promise<ArchivedImage> | undefined;
  #order: readonly Digest[] = [];

  constructor(reference: ImageReference, parts: DockerTarParts) {
    this.reference = reference;
    this.#parts = parts;
  }

  get traits(): SourceTraits {
    if (this.#parts.files.access === "any" || this.#order.length === 0) {
      return { openBlobs: 64, access: "any", reopens: true };
    }
    return { openBlobs: 1, access: "tape", reopens: false };
  }

  get blobOrder(): readonly Digest[] {
    return this.#order;
  }

  async readManifest(_: Digest | "top", options: CallOptions): Promise<RawManifest> {
    const { digest } = this.#parts;
    const { manifest } = await this.#read(options);
    return readRawManifest(manifest, digest === undefined ? {} : { digest });
  }

  /** Once; what an archive has on a tape is known from then on. */
  async #read(options: CallOptions): Promise<ArchivedImage> {
    this.#image ??= (async () => {
      const { files, items, wanted } = this.#parts;
      return await ArchivedImage.read(files, chooseItem(items, wanted), options);
    })();
    const image = await this.#image;
    this.#order = image.blobOrder;
    return image;
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, options: CallOptions): Promise<BlobStream> {
    const stream = await (await this.#read(options)).openBlob(blob, options);
    if (stream) return stream;
    const { reference } = this;
    throw new TransportError("transport.blob-not-found", `Unknown blob ${blob.digest}`, {
      reference,
    });
  }

  async readSignatures(): Promise<readonly UntrustedSignature[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.close();
  }
}
