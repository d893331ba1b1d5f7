import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf, parseDigest } from "../../core/digest.ts";
import { ContentError, KnownError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { type Archive, openArchive } from "../../layout/archive.ts";
import { LayoutError } from "../../layout/errors.ts";
import { type LayoutIndex, parseBlobDigests, parseLayoutIndex } from "../../layout/index-file.ts";
import { maxIndexBytes } from "../../layout/layout-folder.ts";
import type { OciLocation } from "../../layout/location.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { SourceTraits } from "../contract/image-source.ts";
import type { OpenImages } from "../contract/transport.ts";
import { findEntry, imagesOf, type LayoutParts, LayoutSource } from "../layout-source.ts";

/** How an archive is opened to be read. */
export interface OpenArchiveSourceOptions extends CallOptions {
  /** Where to put what comes through a pipe. */
  readonly spoolFolder?: string | undefined;
}

/**
 * Opens what an archive's index.json names so. Nothing is unpacked: blobs are read where they stand.
 *
 * @throws {TransportError} `transport.image-not-found` where no entry has the name
 * @throws {LayoutError} where the archive or its index.json cannot be read, or the choice is not one
 */
export async function openArchiveSource(
  reference: ImageReference,
  location: OciLocation,
  options: OpenArchiveSourceOptions,
): Promise<LayoutSource> {
  return await openParts(reference, location, options, (parts) => {
    return new LayoutSource(reference, parts, findEntry(parts.index, location, reference).entry);
  });
}

/**
 * Opens an archive for all the images in it, or the one that `location` is about.
 *
 * @throws what {@link openArchiveSource} throws
 */
export async function openArchiveImages(
  reference: ImageReference,
  location: OciLocation,
  options: OpenArchiveSourceOptions,
): Promise<OpenImages> {
  return await openParts(reference, location, options, (parts) =>
    imagesOf(reference, location, parts),
  );
}

/** Closes the archive where `use` fails. */
async function openParts<T>(
  reference: ImageReference,
  { path }: OciLocation,
  options: OpenArchiveSourceOptions,
  use: (parts: LayoutParts) => T,
): Promise<T> {
  const archive = await openTelling(path, reference, options);
  try {
    const bytes = await archive.readSmall("index.json", maxIndexBytes, options);
    if (!bytes) throw missing(path, "index.json");
    return use(new ArchiveParts(path, archive, parseLayoutIndex(bytes), reference));
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

/** Told in skopeo's words, which speak of the folder that it unpacks the archive in. */
async function openTelling(
  path: string,
  { policyIdentity }: ImageReference,
  options: OpenArchiveSourceOptions,
): Promise<Archive> {
  try {
    return await openArchive(path === "" ? "." : path, options);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    if (error instanceof LayoutError && error.code === "layout.missing") {
      const text = `creating temp directory: archive file not found: ${JSON.stringify(policyIdentity)}`;
      throw new LayoutError(error.code, text, { cause: error });
    }
    const { message, hint } = error;
    throw new LayoutError(
      error instanceof LayoutError ? error.code : "layout.invalid",
      `untarring file ${JSON.stringify(path)}: ${message}`,
      { cause: error, ...(hint !== undefined && { hint }) },
    );
  }
}

/** As if the archive were a folder. */
function missing(path: string, name: string): LayoutError {
  return new LayoutError("layout.missing", `open ${path}/${name}: no such file or directory`);
}

const traitsOf: Readonly<Record<Archive["access"], SourceTraits>> = {
  any: { openBlobs: 64, access: "any", reopens: true },
  rewinds: { openBlobs: 1, access: "tape", reopens: true },
  once: { openBlobs: 1, access: "tape", reopens: false },
};

class ArchiveParts implements LayoutParts {
  readonly traits: SourceTraits;
  readonly index: LayoutIndex;
  readonly #path: string;
  readonly #archive: Archive;
  readonly #reference: ImageReference;
  /** What the manifests read so far name. */
  readonly #named = new Set<Digest>();

  constructor(path: string, archive: Archive, index: LayoutIndex, reference: ImageReference) {
    this.traits = traitsOf[archive.access];
    this.index = index;
    this.#path = path;
    this.#archive = archive;
    this.#reference = reference;
  }

  /** Of a pipe only the start is known: what is to come is taken to be sorted, as all known tools write it. */
  get blobOrder(): readonly Digest[] {
    if (this.#archive.access === "any") return [];
    const known = this.#archive.order.flatMap((name) => digestOfName(name) ?? []);
    if (this.#archive.access === "rewinds") return known;
    return [...new Set([...known, ...[...this.#named].toSorted()])];
  }

  async readBlob(digest: Digest, maxBytes: number, options: CallOptions): Promise<Uint8Array> {
    const name = blobName(digest);
    const bytes = await this.#telling(() => this.#archive.readSmall(name, maxBytes, options));
    if (!bytes) throw missing(this.#path, name);
    if (this.#archive.access === "once") this.#note(bytes);
    return bytes;
  }

  #note(manifest: Uint8Array): void {
    try {
      for (const digest of parseBlobDigests(manifest)) this.#named.add(parseDigest(digest));
    } catch (error) {
      if (!(error instanceof KnownError)) throw error; // whoever parses it in earnest will tell
    }
  }

  async openBlob(blob: Descriptor, options: CallOptions): Promise<BlobStream> {
    options.signal.throwIfAborted();
    const name = blobName(blob.digest);
    const file = await this.#telling(() => this.#archive.find(name, options));
    if (!file) throw missing(this.#path, name);
    if (blob.size >= 0 && file.size !== blob.size) {
      throw new ContentError(
        "content.size-mismatch",
        `${name} has ${file.size} bytes, and not the ${blob.size} of blob ${blob.digest}`,
      );
    }
    return new BlobStream({ ...blob, size: file.size }, file.open, { reopens: file.reopens });
  }

  async #telling<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LayoutError) || error.code !== "layout.unsupported") throw error;
      const { message, hint } = error;
      throw new TransportError("transport.unsupported", message, {
        cause: error,
        reference: this.#reference,
        ...(hint !== undefined && { hint }),
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#archive[Symbol.asyncDispose]();
  }
}

/** The name of a blob's file in a layout. */
function blobName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

function digestOfName(name: string): Digest | undefined {
  const [, algorithm, hex] = /^blobs\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  try {
    return algorithm === undefined ? undefined : parseDigest(`${algorithm}:${hex}`);
  } catch (error) {
    if (error instanceof KnownError) return undefined;
    throw error;
  }
}
