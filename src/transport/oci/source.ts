import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { maxManifestBytes, type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { openBlobFile, readSmallFile } from "../../layout/blob-file.ts";
import { chooseEntry, hintAtEntries, isReadable, nameOf } from "../../layout/entries.ts";
import { LayoutError } from "../../layout/errors.ts";
import type { LayoutEntry, LayoutIndex } from "../../layout/index-file.ts";
import {
  blobPath,
  entryDigest,
  type LayoutPaths,
  readLayoutIndex,
} from "../../layout/layout-folder.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import {
  type CallOptions,
  type ImageSource,
  type OpenImages,
  type SourceTraits,
  TransportError,
} from "../contract.ts";
import type { OciLocation } from "./location.ts";

/**
 * Opens what index.json names so.
 *
 * @throws {TransportError} `transport.image-not-found` where no entry has the name
 * @throws {LayoutError} where index.json cannot be read, or the choice is not one
 */
export async function openOciSource(
  reference: ImageReference,
  location: OciLocation,
  paths: LayoutPaths,
): Promise<OciSource> {
  const index = await readLayoutIndex(paths);
  return new OciSource(reference, paths, index, findEntry(index, location, reference).entry);
}

/**
 * Opens what index.json names, all of it or the one that `location` is about.
 *
 * @throws what {@link openOciSource} throws
 */
export async function openOciImages(
  reference: ImageReference,
  location: OciLocation,
  paths: LayoutPaths,
): Promise<OpenImages> {
  const index = await readLayoutIndex(paths);
  const isOne = location.name !== undefined || location.position !== undefined;
  const entries = isOne
    ? [findEntry(index, location, reference).entry]
    : (index.manifests ?? []).filter(isReadable);
  const images = entries.map((entry) => ({
    names: nameOf(entry) ? [nameOf(entry)] : [],
    openSource: async () => new OciSource(reference, paths, index, entry),
  }));
  return { images, async [Symbol.asyncDispose]() {} };
}

/** @throws {TransportError} `transport.image-not-found`; {@link chooseEntry}'s errors pass */
export function findEntry(index: LayoutIndex, location: OciLocation, reference: ImageReference) {
  const chosen = chooseEntry(index, location);
  if (chosen) return chosen;
  throw new TransportError(
    "transport.image-not-found",
    `no descriptor found for reference ${JSON.stringify(location.name)}`,
    { reference, hint: hintAtEntries(index) },
  );
}

/** One entry of a layout's index.json, and what hangs on it. */
class OciSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits = { openBlobs: 64, access: "any", reopens: true };
  readonly blobOrder: readonly Digest[] = [];
  readonly #paths: LayoutPaths;
  readonly #index: LayoutIndex;
  readonly #top: LayoutEntry;
  readonly #manifests = new Map<Digest, Promise<RawManifest>>();

  constructor(reference: ImageReference, paths: LayoutPaths, index: LayoutIndex, top: LayoutEntry) {
    this.reference = reference;
    this.#paths = paths;
    this.#index = index;
    this.#top = top;
  }

  async readManifest(instance: Digest | "top", { signal }: CallOptions): Promise<RawManifest> {
    signal.throwIfAborted();
    const digest = instance === "top" ? entryDigest(this.#top.digest) : instance;
    const read = this.#manifests.get(digest) ?? this.#readManifest(digest, instance);
    this.#manifests.set(digest, read);
    read.catch(() => this.#manifests.delete(digest));
    return await read;
  }

  async #readManifest(digest: Digest, instance: Digest | "top"): Promise<RawManifest> {
    const entry =
      instance === "top"
        ? this.#top
        : this.#index.manifests?.find((each) => each.digest === instance);
    const bytes = await readSmallFile(blobPath(this.#paths, digest), maxManifestBytes);
    return readRawManifest(bytes, {
      digest,
      ...(entry && entry.mediaType !== "" && { contentType: entry.mediaType }),
    });
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    try {
      return await openBlobFile(blobPath(this.#paths, blob.digest), blob, { signal });
    } catch (error) {
      if (!(error instanceof LayoutError) || error.code !== "layout.missing") throw error;
      throw new TransportError("transport.blob-not-found", error.message, {
        cause: error,
        reference: this.reference,
      });
    }
  }

  async readSignatures(): Promise<readonly UntrustedSignature[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {} // each blob closes its own file
}
