import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { type Digest, digestOf } from "../../src/core/digest.ts";
import type { ImageReference, TransportName } from "../../src/core/image-reference.ts";
import { type RawManifest, readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { BlobStream, type NewBlob } from "../../src/stream/blob-stream.ts";
import { TransportError } from "../../src/transport/contract/errors.ts";
import type {
  BlobPlace,
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "../../src/transport/contract/image-destination.ts";
import type {
  HeldLayer,
  ImageSource,
  SourceTraits,
} from "../../src/transport/contract/image-source.ts";
import type { Transport } from "../../src/transport/contract/transport.ts";
import type { TestImage } from "./images.ts";

function referenceOf(transport: TransportName, text: string): ImageReference {
  return { transport, text, policyIdentity: "", policyNamespaces: [] };
}

/** What a {@link MemorySource} is to be like; by default it reads anything any number of times. */
export interface MemorySourceOptions {
  readonly traits?: Partial<SourceTraits>;
  /** Gives plain tars, as containers-storage does; "packed": and tells what they were unpacked from. */
  readonly held?: "plain" | "packed";
  readonly blobOrder?: readonly Digest[];
  readonly signatures?: readonly UntrustedSignature[];
}

/** A made image to copy from. Notes what is opened, and refuses what its traits do not promise. */
export class MemorySource implements ImageSource {
  readonly reference: ImageReference = referenceOf("containers-storage", "memory");
  readonly traits: SourceTraits;
  readonly blobOrder: readonly Digest[];
  readonly opened: Digest[] = [];
  readonly #image: TestImage;
  readonly #options: MemorySourceOptions;
  readonly #plain = new Map<string, Uint8Array>();
  #open = 0;

  constructor(image: TestImage, options: MemorySourceOptions = {}) {
    this.#image = image;
    this.#options = options;
    this.traits = { openBlobs: 64, access: "any", reopens: true, ...options.traits };
    this.blobOrder = options.blobOrder ?? [];
    for (const { digest } of image.layers) {
      const plain = plainOf(image.blobs.get(digest) ?? new Uint8Array());
      this.#plain.set(digestOf(plain), plain);
    }
  }

  async readManifest(instance: Digest | "top"): Promise<RawManifest> {
    const found = this.#image.manifests.find(({ bytes }) => digestOf(bytes) === instance);
    return readRawManifest(found?.bytes ?? this.#image.bytes);
  }

  async heldLayers(): Promise<readonly HeldLayer[] | undefined> {
    const { held } = this.#options;
    if (!held) return undefined;
    const type = this.#image.mediaType === mediaTypes.ociManifest ? "ociLayer" : "dockerLayer";
    return this.#image.layers.map(({ digest, size }) => {
      const plain = plainOf(this.#image.blobs.get(digest) ?? new Uint8Array());
      const layer = { mediaType: mediaTypes[type], digest: digestOf(plain), size: plain.length };
      return held === "packed"
        ? { ...layer, packed: { digest, size, compression: "gzip" } }
        : layer;
    });
  }

  async openBlob(blob: Descriptor): Promise<BlobStream> {
    const { access, openBlobs, reopens } = this.traits;
    if (++this.#open > (access === "tape" ? 1 : openBlobs)) throw new Error("too many blobs open");
    const at = this.blobOrder.indexOf(blob.digest);
    const passed = this.blobOrder.indexOf(this.opened.at(-1) ?? ("" as Digest));
    if (access === "tape" && !reopens && at <= passed) {
      throw new TransportError("transport.unsupported", "the tape is past that blob");
    }
    if (!reopens && this.opened.includes(blob.digest)) throw new Error("read a second time");
    this.opened.push(blob.digest);
    const bytes = this.#image.blobs.get(blob.digest) ?? this.#plain.get(blob.digest);
    if (!bytes) throw new TransportError("transport.blob-not-found", `no blob ${blob.digest}`);
    const release = () => {
      this.#open--;
    };
    async function* pieces(from: number) {
      for (let next = from; next < (bytes?.length ?? 0); next += 1000) {
        yield (bytes as Uint8Array).subarray(next, next + 1000);
      }
    }
    return new BlobStream({ ...blob, size: bytes.length }, pieces, { reopens, release });
  }

  async readSignatures(): Promise<readonly UntrustedSignature[]> {
    return this.#options.signatures ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function plainOf(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0x28) return zstdDecompressSync(bytes);
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

/** What a {@link MemoryDestination} was given for one blob. */
export interface WrittenTestBlob {
  readonly digest: Digest;
  readonly place: BlobPlace;
  readonly bytes: Buffer;
  /** What was told before it was read, where anything was. */
  readonly size: number | undefined;
}

/** A place to copy to: notes what comes, in order. */
export class MemoryDestination implements ImageDestination {
  readonly reference: ImageReference = referenceOf("docker-archive", "memory");
  readonly traits: DestinationTraits;
  readonly expected: ExpectedImage[] = [];
  readonly written: WrittenTestBlob[] = [];
  readonly asked: { readonly digest: Digest; readonly place: BlobPlace }[] = [];
  readonly manifests: RawManifest[] = [];
  /** Digests of blobs that it is to have already. */
  readonly held = new Set<string>();
  /** Asked before a layer is read. */
  beforeLayer: (place: BlobPlace) => Promise<void> = async () => {};

  constructor(traits: Partial<DestinationTraits> = {}) {
    this.traits = {
      manifestTypes: [],
      indexes: false,
      signatureFormats: [],
      openBlobs: 64,
      layers: "as-is",
      newBlobs: "any",
      ...traits,
    };
  }

  async openImage(image: ExpectedImage): Promise<ImageWriter> {
    this.expected.push(image);
    return {
      adoptBlob: async ({ digest }, place) => {
        this.asked.push({ digest, place });
        return this.held.has(digest) ? "held" : false;
      },
      writeBlob: (blob, place) => this.#write(blob, place),
      writeManifest: async (manifest) => void this.manifests.push(manifest),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async #write(blob: BlobStream | NewBlob, place: BlobPlace): Promise<Descriptor> {
    if (place.role === "layer") await this.beforeLayer(place);
    const size = blob instanceof BlobStream ? blob.descriptor.size : blob.size;
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    const digest = digestOf(bytes);
    this.written.push({ digest, place, bytes, size });
    const { mediaType } = blob instanceof BlobStream ? blob.descriptor : blob;
    return { mediaType, digest, size: bytes.length };
  }

  /** The layers that were written, in the order in which they ended. */
  get layers(): readonly WrittenTestBlob[] {
    return this.written.filter(({ place }) => place.role === "layer");
  }

  async writeIndex(): Promise<void> {
    throw new Error("no index was to be written");
  }

  async writeSignatures(): Promise<void> {}

  async commit(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A transport that only has what is given. */
export function transportOf(ends: {
  readonly source?: ImageSource;
  readonly destination?: ImageDestination;
  readonly digestOf?: Transport["digestOf"];
}): Transport {
  const missing = () => Promise.reject(new Error("not to be opened"));
  return {
    name: (ends.source ?? ends.destination)?.reference.transport ?? "dir",
    resolve: missing,
    openSource: async () => ends.source ?? (await missing()),
    openDestination: async () => ends.destination ?? (await missing()),
    ...(ends.digestOf && { digestOf: ends.digestOf }),
  };
}
