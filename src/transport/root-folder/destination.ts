import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { unpackLayer } from "../../storage/unpack/unpack-layer.ts";
import { BlobStream, type NewBlob } from "../../stream/blob-stream.ts";
import { readBounded } from "../../stream/bounded.ts";
import { checkDiffIds } from "../check-diff-ids.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type {
  BlobPlace,
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "../contract/image-destination.ts";

/** The largest config that is kept, bytes. */
const maxConfigBytes = 8 * 1024 * 1024;

/** How layers are unpacked into a folder. */
export interface RootFolderOptions {
  /** Devices cannot be made here, and are left out. */
  readonly userNamespace: boolean;
  /** Made by an ordinary user: what belongs to others in the image belongs to this one here. */
  readonly ignoreOwners: boolean;
  /** Given the image as it was unpacked; what fails here fails the copy. */
  finish(image: UnpackedImage): Promise<void>;
}

/** What was unpacked. */
export interface UnpackedImage {
  readonly manifest: RawManifest;
  readonly config: Uint8Array;
}

/**
 * A folder that the layers of one image are unpacked into, one upon the other. Whoever made the folder removes it where the copy
 * fails: what is in it then nobody has vouched for.
 */
export class RootFolderDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits = {
    manifestTypes: [mediaTypes.ociManifest, mediaTypes.dockerManifest],
    indexes: false,
    signatureFormats: [],
    openBlobs: 1,
    layers: "as-is",
    newBlobs: "none",
    wantsConfig: "or-late",
    layerOrder: "base-first",
    layerPlaces: "each",
  };
  readonly #folder: string;
  readonly #options: RootFolderOptions;
  #image: UnpackedImage | undefined;

  /** @param folder an empty folder of our own */
  constructor(reference: ImageReference, folder: string, options: RootFolderOptions) {
    this.reference = reference;
    this.#folder = folder;
    this.#options = options;
  }

  async openImage(image: ExpectedImage): Promise<ImageWriter> {
    let config: Uint8Array | undefined;
    const unpacked: Digest[] = [];
    return {
      adoptBlob: async () => false,
      writeBlob: async (blob, place, options) => {
        if (place.role === "layer") {
          unpacked.push(await this.#unpack(blob, place, image, options));
          return descriptorOf(blob);
        }
        if (place.role !== "config") throw this.#unsupported("an artifact has no filesystem");
        config = await readBounded(blob, maxConfigBytes, "config");
        return descriptorOf(blob);
      },
      writeManifest: async (manifest) => {
        if (!config) throw this.#unsupported("an image without a config has no filesystem");
        if (!image.config) checkDiffIds(config, unpacked);
        this.#image = { manifest, config };
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  async #unpack(
    blob: BlobStream | NewBlob,
    { diffId }: BlobPlace,
    { config }: ExpectedImage,
    { signal }: CallOptions,
  ): Promise<Digest> {
    const { userNamespace, ignoreOwners } = this.#options;
    if (config && diffId === undefined) {
      throw this.#unsupported("its config does not tell one diff ID for each layer");
    }
    const target = {
      folder: this.#folder,
      whiteouts: "plain",
      userNamespace,
      ignoreChownErrors: ignoreOwners,
    } as const;
    const layer = await unpackLayer(blob, [target], { signal });
    checkDiffId(layer.diffId, diffId);
    return layer.diffId;
  }

  #unsupported(why: string): TransportError {
    const { reference } = this;
    return new TransportError("transport.unsupported", `cannot unpack: ${why}`, { reference });
  }

  async writeIndex(): Promise<void> {
    throw this.#unsupported("a list of images has no filesystem");
  }

  async writeSignatures(): Promise<void> {}

  async commit(): Promise<void> {
    if (this.#image) await this.#options.finish(this.#image);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function checkDiffId(actual: Digest, expected: Digest | undefined): void {
  if (expected === undefined || actual === expected) return;
  throw new ContentError(
    "content.digest-mismatch",
    `a layer unpacks to ${actual}, and the image's config says ${expected}`,
    { actual },
  );
}

/** Nothing is changed on the way here. */
function descriptorOf(blob: BlobStream | NewBlob): Descriptor {
  if (blob instanceof BlobStream) return blob.descriptor;
  throw new Error("a blob was changed on the way, where none was to be");
}
