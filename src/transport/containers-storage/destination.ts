import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { formatDockerReference } from "../../core/docker-reference.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isSchema1Type, mediaTypes } from "../../core/media-type.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { Store } from "../../storage/store.ts";
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
import { manifestKey } from "./find-image.ts";
import { heldImage } from "./held-manifest.ts";
import { expectedLayers, imageIdOf, whenMade } from "./image-facts.ts";
import { LayerStack } from "./layer-stack.ts";
import type { StoredImage } from "./location.ts";
import { NameTaking, type NameTakingOptions } from "./name-taking.ts";
import { allStoredSignatures, storeSignatures } from "./signature-data.ts";
import { mergeSignatures, putSignatures } from "./signature-place.ts";

const maxConfigBytes = 8 * 1024 * 1024;

/** What is written of the image so far. */
interface Writing {
  readonly expected: ExpectedImage;
  readonly layers: LayerStack;
  /** What is no layer: configs, by their digests. */
  readonly blobs: Map<Digest, Uint8Array>;
  manifest?: RawManifest;
}

/** An image on its way into a store. Its layers are there for good as soon as they are whole. */
export class StorageDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits = {
    manifestTypes: [
      mediaTypes.ociManifest,
      mediaTypes.dockerManifest,
      mediaTypes.schema1Signed,
      mediaTypes.schema1,
    ],
    indexes: false,
    signatureFormats: ["simple-signing", "sigstore"],
    openBlobs: 6,
    layers: "as-is",
    newBlobs: "any",
    wantsConfig: "or-late",
    runsImages: true,
    keepsEmbeddedName: true,
    layerOrder: "base-first",
  };
  readonly #store: Store;
  readonly #image: StoredImage;
  readonly #signatures = new Map<Digest, readonly UntrustedSignature[]>();
  readonly #taking: NameTaking;
  #writing: Writing | undefined;
  #diffIds: readonly Digest[] = [];

  constructor(
    reference: ImageReference,
    store: Store,
    image: StoredImage,
    options: NameTakingOptions = {},
  ) {
    this.reference = reference;
    this.#store = store;
    this.#image = image;
    this.#taking = new NameTaking(reference, image.docker, options);
  }

  async openImage(expected: ExpectedImage): Promise<ImageWriter> {
    const layers = new LayerStack(this.#store, expectedLayers(expected));
    const writing: Writing = { expected, layers, blobs: new Map() };
    this.#writing = writing;
    return {
      adoptBlob: async (blob, { role, positions }, _, call) =>
        role === "layer" && (await layers.adopt(blob, positions, call)) ? "held" : false,
      writeBlob: (blob, place, call) => writeBlob(writing, blob, place, call),
      async writeManifest(manifest) {
        writing.manifest = manifest;
      },
      async [Symbol.asyncDispose]() {}, // the layers end with the destination
    };
  }

  async writeIndex(): Promise<void> {
    throw new TypeError("No list is ever written to a store of images");
  }

  async readSignatures(
    manifest: Digest,
    formats: readonly UntrustedSignature["format"][],
  ): Promise<readonly UntrustedSignature[]> {
    const known = (await this.#knownSignatures()).get(manifest) ?? [];
    return known.filter(({ format }) => formats.includes(format));
  }

  async writeSignatures(
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
  ): Promise<void> {
    this.#signatures.set(manifest, signatures);
  }

  async #knownSignatures(): Promise<ReadonlyMap<Digest, readonly UntrustedSignature[]>> {
    const image = await this.#standing();
    return image ? await allStoredSignatures(this.#store, image) : new Map();
  }

  /** The image that is there under the ID that this one gets; where nothing was written, the one that is there by name. */
  async #standing(): Promise<ImageRecord | undefined> {
    if (!this.#writing) return await heldImage(this.#store, this.#image);
    const { manifest } = this.#writing;
    const id = this.#image.id ?? (manifest && imageIdOf(manifest, this.#diffIds));
    return (await this.#store.images()).find((image) => image.id === id);
  }

  async commit({ signal }: CallOptions): Promise<void> {
    if (!this.#writing) return await this.#addSignatures();
    const { manifest, layers, expected, blobs } = this.#writing;
    if (!manifest) throw new TypeError("An image is written before it is committed");
    const { top, diffIds } = await layers.finish();
    checkLateConfig(this.#writing, manifest, diffIds);
    this.#diffIds = diffIds;
    signal.throwIfAborted();
    const { docker } = this.#image;
    const { data, metadata } = storeSignatures(await this.#allSignatures(), manifest.digest);
    const manifests = manifestItems(manifest, expected.chosenFrom ?? expected.manifest);
    const items = [...manifests].map(([key, { bytes }]) => [key, bytes] as const);
    await this.#store.putImage({
      id: this.#image.id ?? imageIdOf(manifest, diffIds),
      topLayer: top,
      names: docker ? [formatDockerReference(docker)] : [],
      data: new Map([...blobs, ...items, ...data]),
      dataDigests: new Map([...manifests].map(([key, { digest }]) => [key, digest])),
      digest: manifest.digest,
      metadata,
      created: whenMade(manifest, blobs),
      onTaking: (holder) => this.#taking.from(holder),
    });
    this.#taking.tell();
  }

  /** To an image that turned out to be there. */
  async #addSignatures(): Promise<void> {
    if (this.#signatures.size === 0) return;
    const image = await this.#standing();
    if (!image) throw gone(this.reference);
    await putSignatures(this.#store, image, await this.#allSignatures());
  }

  /** Those that are there, and those that are new. */
  async #allSignatures(): Promise<ReadonlyMap<Digest, readonly UntrustedSignature[]>> {
    const all = new Map(await this.#knownSignatures());
    for (const [manifest, signatures] of this.#signatures) {
      all.set(manifest, mergeSignatures(all.get(manifest) ?? [], signatures));
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing?.layers[Symbol.asyncDispose]();
  }
}

/** One that came behind layers was not there to say what they are to be. */
function checkLateConfig(
  { expected, blobs }: Writing,
  manifest: RawManifest,
  diffIds: readonly Digest[],
): void {
  if (expected.config || isSchema1Type(manifest.mediaType)) return;
  const config = blobs.get(parseImageManifest(manifest).config.digest);
  if (config) checkDiffIds(config, diffIds);
}

async function writeBlob(
  { layers, blobs }: Writing,
  blob: BlobStream | NewBlob,
  { role, positions }: BlobPlace,
  { signal }: CallOptions,
): Promise<Descriptor> {
  const known = blob instanceof BlobStream ? blob.descriptor : undefined;
  if (role === "layer") {
    const packed = known && known.size >= 0 ? known : undefined;
    const { mediaType = "" } = known ?? (blob as NewBlob);
    const written = await layers.write(
      { bytes: blob, ...(packed && { packed }) },
      positions,
      signal,
    );
    return { mediaType, ...written };
  }
  if (!known) throw new TypeError("Only layers are made on the way");
  const bytes = await readBounded(blob, maxConfigBytes, `config ${known.digest}`);
  blobs.set(known.digest, bytes);
  return { ...known, size: bytes.byteLength };
}

function gone(reference: ImageReference): TransportError {
  const message = `${formatImageReference(reference)} was removed by another process`;
  return new TransportError("transport.busy", message, {
    reference,
    retryable: true,
    hint: "Copy again",
  });
}

/**
 * The image's manifest is kept twice, for those who ask by its digest and for those who do not; and so is the one that was
 * asked for, where that is another.
 */
function manifestItems(
  manifest: RawManifest,
  asked: RawManifest,
): ReadonlyMap<string, RawManifest> {
  const items = new Map([[manifestKey(asked.digest), asked]]);
  items.set(manifestKey(manifest.digest), manifest);
  return items.set("manifest", manifest);
}
