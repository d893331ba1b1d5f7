import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { openArchiveOutput } from "../../layout/archive-output.ts";
import { LayoutError } from "../../layout/errors.ts";
import type { BlobStream, NewBlob } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type {
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "../contract/image-destination.ts";
import { type Clock, ImageArchive } from "./image-archive.ts";

/** How an archive takes its layers, and where it may be put together. */
export interface ArchiveDestinationOptions {
  /** Take layers as they are, where skopeo would compress plain ones. */
  readonly acceptUncompressedLayers: boolean;
  /** Where an archive that goes into a pipe may be put together first. */
  readonly spoolFolder?: string | undefined;
  readonly clock: Clock;
}

/**
 * Begins an archive of one image. What stands at its place stays there until the image is whole; then the archive
 * replaces it, other images in it included, as skopeo does it.
 *
 * @throws {LayoutError} where no file can be made there
 */
export async function openArchiveDestination(
  reference: ImageReference,
  { path, name }: { readonly path: string; readonly name?: string },
  options: ArchiveDestinationOptions,
  call: CallOptions,
): Promise<ImageDestination> {
  const archive = await beginArchive(path, options, call);
  return new ArchiveDestination({ reference, name, archive, isSole: true }, options);
}

/** Several images into one archive: each by {@link open}; nothing is there before {@link commit}. */
export async function openImageArchive(
  path: string,
  options: ArchiveDestinationOptions,
  call: CallOptions,
): Promise<
  AsyncDisposable & {
    open(reference: ImageReference, name: string | undefined): ImageDestination;
    commit(): Promise<void>;
  }
> {
  const archive = await beginArchive(path, options, call);
  return {
    open: (reference, name) =>
      new ArchiveDestination({ reference, name, archive, isSole: false }, options),
    commit: () => archive.finish(),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

async function beginArchive(
  path: string,
  { spoolFolder, clock }: ArchiveDestinationOptions,
  { signal }: CallOptions,
): Promise<ImageArchive> {
  try {
    const output = await openArchiveOutput(path === "" ? "." : path, { signal, spoolFolder });
    return new ImageArchive(output, clock);
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    const text = `creating tar file ${JSON.stringify(path)}: ${error.message}`;
    throw new LayoutError(error.code, text, { cause: error });
  }
}

/** One image of an archive. */
interface ImagePlace {
  readonly reference: ImageReference;
  readonly name: string | undefined;
  readonly archive: ImageArchive;
  /** Whether the archive is finished with it. */
  readonly isSole: boolean;
}

class ArchiveDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits;
  readonly #place: ImagePlace;
  #top: RawManifest | undefined;

  constructor(place: ImagePlace, { acceptUncompressedLayers }: ArchiveDestinationOptions) {
    this.reference = place.reference;
    this.#place = place;
    const { seeks } = place.archive;
    this.traits = {
      manifestTypes: [mediaTypes.ociManifest, mediaTypes.ociIndex],
      indexes: true,
      signatureFormats: [],
      openBlobs: seeks ? 64 : 1,
      layers: acceptUncompressedLayers ? "as-is" : "compressed",
      // A member of an archive is named by its digest, and in a pipe the name goes first.
      newBlobs: seeks ? "any" : "none",
    };
  }

  async openImage(image: ExpectedImage): Promise<ImageWriter> {
    const { archive } = this.#place;
    return {
      adoptBlob: async (blob) => this.#adopt(blob),
      async writeBlob(blob: BlobStream | NewBlob, _, { signal }): Promise<Descriptor> {
        signal.throwIfAborted();
        return await archive.write(blob);
      },
      writeManifest: async (manifest) => {
        await archive.put(manifest.digest, manifest.bytes);
        if (image.as === "top") this.#top = manifest;
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  #adopt(blob: Descriptor): "held" | false {
    const size = this.#place.archive.sizeOf(blob.digest);
    return size !== undefined && (blob.size < 0 || blob.size === size) ? "held" : false;
  }

  async writeIndex(index: RawManifest): Promise<void> {
    await this.#place.archive.put(index.digest, index.bytes);
    this.#top = index;
  }

  async writeSignatures(_: Digest, signatures: readonly UntrustedSignature[]): Promise<void> {
    if (signatures.length === 0) return;
    throw new TransportError(
      "transport.unsupported",
      `Can not copy signatures to ${formatImageReference(this.reference)}: Pushing signatures for OCI images is not supported`,
      { reference: this.reference, hint: "Add --remove-signatures" },
    );
  }

  async commit({ signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    const { archive, name, isSole } = this.#place;
    if (this.#top) archive.name(this.#top, name);
    if (isSole) await archive.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#place.isSole) await this.#place.archive[Symbol.asyncDispose]();
  }
}
