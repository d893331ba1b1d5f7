import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { maxManifestBytes, type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { emptyLayer } from "../../core/schema1-conversion.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { LayerRecord } from "../../storage/layer-record.ts";
import type { Store } from "../../storage/store.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { HeldLayer, ImageSource, SourceTraits } from "../contract/image-source.ts";
import { manifestKey } from "./find-image.ts";
import { layersHeld } from "./held-layers.ts";
import { openLayer } from "./open-layer.ts";
import { hasStoredSignatures, readStoredSignatures } from "./signature-data.ts";

/** An image of a store. Its layers are plain tars, made again from their trees. */
export class StorageSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits = { openBlobs: 6, access: "any", reopens: true };
  readonly blobOrder: readonly Digest[] = [];
  readonly #store: Store;
  readonly #image: ImageRecord;
  #chain: Promise<readonly LayerRecord[]> | undefined;
  #top: Promise<RawManifest> | undefined;

  /** @param reference with the image's ID in it */
  constructor(reference: ImageReference, store: Store, image: ImageRecord) {
    this.reference = reference;
    this.#store = store;
    this.#image = image;
  }

  async readManifest(instance: Digest | "top", { signal }: CallOptions): Promise<RawManifest> {
    signal.throwIfAborted();
    if (instance !== "top") return await this.#readInstance(instance);
    this.#top ??= this.#readTop();
    return await this.#top;
  }

  /** What the reference's digest names, if that is kept: the image's own manifest, or the list it was chosen from. */
  async #readTop(): Promise<RawManifest> {
    const digest = this.reference.docker?.digest;
    const named = digest && (await this.#store.imageData(this.#image, manifestKey(digest)));
    const bytes = named ?? (await this.#store.imageData(this.#image, "manifest"));
    if (bytes) return readRawManifest(bytes, digest ? { digest } : {});
    throw new TransportError(
      "transport.unreadable",
      `locating item named "manifest" for image with ID ${goQuote(this.#image.id)} (consider removing the image to resolve the issue): file does not exist`,
      { reference: this.reference },
    );
  }

  async #readInstance(digest: Digest): Promise<RawManifest> {
    const bytes = await this.#store.imageData(this.#image, manifestKey(digest));
    if (bytes) return readRawManifest(bytes, { digest, maxBytes: maxManifestBytes });
    throw new TransportError(
      "transport.unreadable",
      `reading manifest for image instance ${goQuote(digest)}: locating item named ${goQuote(manifestKey(digest))} for image with ID ${goQuote(this.#image.id)} (consider removing the image to resolve the issue): file does not exist`,
      {
        reference: this.reference,
        hint: "A store keeps of a list only the images that were copied into it: pull this one first",
      },
    );
  }

  async heldLayers(manifest: RawManifest): Promise<readonly HeldLayer[]> {
    try {
      return layersHeld(manifest, await this.#layers());
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      throw new TransportError(
        "transport.unreadable",
        `creating LayerInfosForCopy of image ${goQuote(this.#image.id)}: ${error.message}`,
        { cause: error, reference: this.reference },
      );
    }
  }

  #layers(): Promise<readonly LayerRecord[]> {
    const { topLayer } = this.#image;
    this.#chain ??= topLayer === undefined ? Promise.resolve([]) : this.#store.layerChain(topLayer);
    return this.#chain;
  }

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    signal.throwIfAborted();
    if (blob.digest === emptyLayer.digest) return bytesBlob(blob, emptyLayer.bytes);
    const layer = await this.#layerOf(blob.digest);
    if (layer) return await openLayer(this.#store, layer, blob, { signal });
    const bytes = await this.#store.imageData(this.#image, blob.digest);
    if (bytes) return bytesBlob(blob, bytes);
    throw new TransportError(
      "transport.blob-not-found",
      `locating item named ${goQuote(blob.digest)} for image with ID ${goQuote(this.#image.id)} (consider removing the image to resolve the issue): file does not exist`,
      { reference: this.reference },
    );
  }

  /** One of the image's own, else any of the store's with that content. */
  async #layerOf(digest: Digest): Promise<LayerRecord | undefined> {
    const has = ({ diffId, expectedDiffId }: LayerRecord) => (diffId ?? expectedDiffId) === digest;
    const own = (await this.#layers()).find(has);
    return own ?? (await this.#store.layers()).find(({ diffId }) => diffId === digest);
  }

  async readSignatures(manifest: Digest): Promise<readonly UntrustedSignature[]> {
    return await readStoredSignatures(this.#store, this.#image, manifest);
  }

  async isSigned(manifest: Digest): Promise<boolean> {
    return hasStoredSignatures(this.#image, manifest);
  }

  async [Symbol.asyncDispose](): Promise<void> {} // each blob closes its own files
}

function bytesBlob(blob: Descriptor, bytes: Uint8Array): BlobStream {
  const size = blob.size < 0 ? bytes.byteLength : blob.size;
  return new BlobStream(
    { ...blob, digest: parseDigest(blob.digest), size },
    async function* (from) {
      yield bytes.subarray(from);
    },
    { reopens: true },
  );
}
