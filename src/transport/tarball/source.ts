import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import { type RandomAccess, readRegion } from "../../stream/random-access.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { ImageSource, SourceTraits } from "../contract/image-source.ts";
import { type LayerFile, measureLayer, openLayerFile } from "./layer-file.ts";
import { type DatedLayer, type MadeFor, makeImage } from "./make-image.ts";

/** What an image of tars needs of the outside. */
export interface TarballOptions extends CallOptions {
  readonly platform: MadeFor;
  /** Milliseconds since 1970: the date of what came through a pipe. */
  readonly clock: () => number;
  readonly spoolFolder?: string | undefined;
}

/**
 * Reads all of the files once, since an image's manifest names what is in them.
 *
 * @throws {LayoutError} where one cannot be read
 */
export async function openTarballSource(
  reference: ImageReference,
  names: readonly string[],
  options: TarballOptions,
): Promise<ImageSource> {
  await using opened = new AsyncDisposableStack();
  const blobs = new Map<Digest, RandomAccess>();
  const layers: DatedLayer[] = [];
  const files = new Map<string, LayerFile>();
  for (const name of names) {
    const file = files.get(name) ?? opened.use(await openLayerFile(name, options));
    files.set(name, file);
    const measured = await measureLayer(name, file.bytes, options);
    const modified = file.modified ?? BigInt(Math.floor(options.clock() * 1000)) * 1000n;
    layers.push({ ...measured, modified });
    blobs.set(measured.descriptor.digest, file.bytes);
  }
  const { manifest, config, configDigest } = makeImage(layers, options.platform);
  blobs.set(configDigest, inMemory(config));
  return new TarballSource(reference, manifest, blobs, opened.move());
}

function inMemory(bytes: Uint8Array): RandomAccess {
  const buffer = Buffer.from(bytes);
  return { size: buffer.byteLength, read: async (into, at) => buffer.copy(into, 0, at) };
}

class TarballSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits = { openBlobs: 64, access: "any", reopens: true };
  readonly blobOrder: readonly Digest[] = [];
  readonly #manifest: RawManifest;
  readonly #blobs: ReadonlyMap<Digest, RandomAccess>;
  readonly #opened: AsyncDisposableStack;

  constructor(
    reference: ImageReference,
    manifest: RawManifest,
    blobs: ReadonlyMap<Digest, RandomAccess>,
    opened: AsyncDisposableStack,
  ) {
    this.reference = reference;
    this.#manifest = manifest;
    this.#blobs = blobs;
    this.#opened = opened;
  }

  async readManifest(instance: Digest | "top"): Promise<RawManifest> {
    if (instance === "top" || instance === this.#manifest.digest) return this.#manifest;
    throw new TransportError(
      "transport.unsupported",
      'manifest lists are not supported by the "tarball" transport',
      { reference: this.reference },
    );
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    const file = this.#blobs.get(blob.digest);
    if (!file) {
      throw new TransportError(
        "transport.blob-not-found",
        `no blob with digest ${JSON.stringify(blob.digest)} found`,
        { reference: this.reference },
      );
    }
    const { size } = file;
    const open = (from: number) => readRegion(file, { offset: from, size: size - from }, signal);
    return new BlobStream({ ...blob, size }, open, { reopens: true });
  }

  async readSignatures(): Promise<readonly UntrustedSignature[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
