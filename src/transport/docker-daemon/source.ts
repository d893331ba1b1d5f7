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
import { openPlainArchive } from "../../docker-tar/plain-archive.ts";
import { openTapeArchive } from "../../docker-tar/tape-archive.ts";
import { spool } from "../../layout/spool.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import {
  type CallOptions,
  type ImageSource,
  type SourceTraits,
  TransportError,
} from "../contract.ts";
import type { EngineClient } from "./engine-client.ts";
import { DaemonError } from "./errors.ts";

/** How an image is taken from a daemon. */
export interface DaemonSourceOptions extends CallOptions {
  /** A folder to keep it in while it is read. Without one it is asked for twice: to see what it is, and to read it. */
  readonly spoolFolder?: string;
}

/**
 * Asks the daemon for an image, and looks through what comes.
 *
 * @throws {DaemonError} `daemon.unreachable`, `daemon.refused`
 * @throws {DockerTarError} `docker-tar.invalid`
 */
export async function openDaemonSource(
  reference: ImageReference,
  client: EngineClient,
  options: DaemonSourceOptions,
): Promise<ImageSource> {
  const files = await openImage(reference.text, client, options);
  try {
    return new DaemonSource(reference, files, await readItems(files, options));
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

async function openImage(
  name: string,
  client: EngineClient,
  options: DaemonSourceOptions,
): Promise<ArchiveFiles> {
  try {
    if (options.spoolFolder === undefined) {
      const open = ({ signal }: CallOptions) => client.save(name, { signal });
      return await openTapeArchive({ open, rewinds: true }, options);
    }
    const kept = await spool(client.save(name, options), options.spoolFolder);
    return await openPlainArchive(kept, kept.close, options);
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    const { code, retryable } = error;
    const message = `loading image from docker engine: ${error.message}`;
    throw new DaemonError(code, message, { cause: error, retryable });
  }
}

class DaemonSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #files: ArchiveFiles;
  readonly #items: readonly ManifestItem[];
  #image: Promise<ArchivedImage> | undefined;
  #order: readonly Digest[] = [];

  constructor(reference: ImageReference, files: ArchiveFiles, items: readonly ManifestItem[]) {
    this.reference = reference;
    this.#files = files;
    this.#items = items;
  }

  get traits(): SourceTraits {
    if (this.#order.length === 0) return { openBlobs: 64, access: "any", reopens: true };
    return { openBlobs: 1, access: "tape", reopens: false };
  }

  get blobOrder(): readonly Digest[] {
    return this.#order;
  }

  async readManifest(_: Digest | "top", options: CallOptions): Promise<RawManifest> {
    const digest = this.reference.docker?.digest;
    const { manifest } = await this.#read(options);
    return readRawManifest(manifest, digest === undefined ? {} : { digest });
  }

  async #read(options: CallOptions): Promise<ArchivedImage> {
    this.#image ??= (async () =>
      await ArchivedImage.read(this.#files, chooseItem(this.#items, {}), options))();
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
    await this.#files[Symbol.asyncDispose]();
  }
}
