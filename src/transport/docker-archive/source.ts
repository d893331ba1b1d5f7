import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import type { ArchiveFiles } from "../../docker-tar/archive-files.ts";
import { ArchivedImage } from "../../docker-tar/archived-image.ts";
import { chooseItem } from "../../docker-tar/choose-item.ts";
import { readItems } from "../../docker-tar/items.ts";
import type { ManifestItem } from "../../docker-tar/manifest-file.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions, ImageSource, SourceTraits } from "../contract.ts";
import type { ArchiveLocation } from "./location.ts";
import { type OpenArchiveOptions, openArchive } from "./open-archive.ts";

/**
 * Opens the archive and reads its manifest.json. Which of its images is meant shows with the manifest.
 *
 * @throws what {@link openArchive} and {@link readItems} throw
 */
export async function openArchiveSource(
  reference: ImageReference,
  location: ArchiveLocation,
  options: OpenArchiveOptions,
): Promise<ImageSource> {
  const files = await openArchive(location.path, options);
  try {
    const items = await readItems(files, options);
    return new ArchiveSource(reference, location, files, items);
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

class ArchiveSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #location: ArchiveLocation;
  readonly #files: ArchiveFiles;
  readonly #items: readonly ManifestItem[];
  #image: Promise<ArchivedImage> | undefined;
  #order: readonly Digest[] = [];

  constructor(
    reference: ImageReference,
    location: ArchiveLocation,
    files: ArchiveFiles,
    items: readonly ManifestItem[],
  ) {
    this.reference = reference;
    this.#location = location;
    this.#files = files;
    this.#items = items;
  }

  get traits(): SourceTraits {
    if (this.#files.access === "any" || this.#order.length === 0) {
      return { openBlobs: 64, access: "any", reopens: true };
    }
    return { openBlobs: 1, access: "tape", reopens: false };
  }

  get blobOrder(): readonly Digest[] {
    return this.#order;
  }

  async readManifest(_: Digest | "top", options: CallOptions): Promise<RawManifest> {
    return readRawManifest((await this.#read(options)).manifest);
  }

  /** Once; what an archive has on a tape is known from then on. */
  async #read(options: CallOptions): Promise<ArchivedImage> {
    this.#image ??= (async () => {
      const item = chooseItem(this.#items, this.#location);
      return await ArchivedImage.read(this.#files, item, options);
    })();
    const image = await this.#image;
    this.#order = image.blobOrder;
    return image;
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, options: CallOptions): Promise<BlobStream> {
    return await (await this.#read(options)).openBlob(blob, options);
  }

  async readSignatures(): Promise<readonly UntrustedSignature[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }
}
