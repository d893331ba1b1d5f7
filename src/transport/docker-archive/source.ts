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
import {
  type CallOptions,
  type ImageSource,
  type OpenImages,
  type SourceTraits,
  TransportError,
} from "../contract.ts";
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
    const close = async () => files[Symbol.asyncDispose]();
    return new ArchiveSource(reference, location, { files, items, close });
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Opens the archive once, for all its images in turn; one that is on a tape gives them only in its own order.
 *
 * @throws what {@link openArchive} and {@link readItems} throw
 */
export async function openArchiveImages(
  reference: ImageReference,
  { path }: ArchiveLocation,
  options: OpenArchiveOptions,
): Promise<OpenImages> {
  const files = await openArchive(path, options);
  const close = () => files[Symbol.asyncDispose]();
  try {
    const items = await readItems(files, options);
    const open = { files, items, close: async () => {} };
    const images = items.map(({ repoTags }, position) => ({
      names: repoTags,
      openSource: async () => new ArchiveSource(reference, { path, position }, open),
    }));
    return { images, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An archive and what its manifest.json says of it. */
interface OpenArchive {
  readonly files: ArchiveFiles;
  readonly items: readonly ManifestItem[];
  /** Called when the image is done with. */
  close(): Promise<void>;
}

class ArchiveSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #location: ArchiveLocation;
  readonly #files: ArchiveFiles;
  readonly #items: readonly ManifestItem[];
  readonly #close: () => Promise<void>;
  #image: Promise<ArchivedImage> | undefined;
  #order: readonly Digest[] = [];

  constructor(
    reference: ImageReference,
    location: ArchiveLocation,
    { files, items, close }: OpenArchive,
  ) {
    this.reference = reference;
    this.#location = location;
    this.#files = files;
    this.#items = items;
    this.#close = close;
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
    await this.#close();
  }
}
