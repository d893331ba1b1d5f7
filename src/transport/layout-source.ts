import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageReference } from "../core/image-reference.ts";
import { maxManifestBytes, type RawManifest, readRawManifest } from "../core/manifest.ts";
import { isSchema1Type, mediaTypes } from "../core/media-type.ts";
import {
  chooseEntry,
  type EntryChoice,
  hintAtEntries,
  isReadable,
  nameOf,
} from "../layout/entries.ts";
import { LayoutError } from "../layout/errors.ts";
import type { LayoutEntry, LayoutIndex } from "../layout/index-file.ts";
import { entryDigest } from "../layout/layout-folder.ts";
import type { BlobStream } from "../stream/blob-stream.ts";
import type { CallOptions } from "./contract/call-options.ts";
import { TransportError } from "./contract/errors.ts";
import type { ImageSource, SourceTraits } from "./contract/image-source.ts";
import type { OpenImages } from "./contract/transport.ts";

/** Where a layout's parts are read from: a folder, or an archive. */
export interface LayoutParts extends AsyncDisposable {
  readonly traits: SourceTraits;
  readonly index: LayoutIndex;
  /** As {@link ImageSource.blobOrder}. */
  readonly blobOrder: readonly Digest[];
  /** The whole of a blob that is no longer than that. @throws {LayoutError} `layout.missing` */
  readBlob(digest: Digest, maxBytes: number, options: CallOptions): Promise<Uint8Array>;
  /** @throws {LayoutError} `layout.missing` */
  openBlob(blob: Descriptor, options: CallOptions): Promise<BlobStream>;
}

/** @throws {TransportError} `transport.image-not-found`; {@link chooseEntry}'s errors pass */
export function findEntry(index: LayoutIndex, choice: EntryChoice, reference: ImageReference) {
  const chosen = chooseEntry(index, choice);
  if (chosen) return chosen;
  throw new TransportError(
    "transport.image-not-found",
    `no descriptor found for reference ${JSON.stringify(choice.name ?? choice.digest)}`,
    { reference, hint: hintAtEntries(index) },
  );
}

/**
 * The images that index.json names, all of them or the one that `choice` is about. Disposing of them disposes of `parts`.
 *
 * @throws what {@link findEntry} throws
 */
export function imagesOf(
  reference: ImageReference,
  choice: EntryChoice,
  parts: LayoutParts,
): OpenImages {
  const isOne = (choice.name ?? choice.position ?? choice.digest) !== undefined;
  const entries = isOne
    ? [findEntry(parts.index, choice, reference)]
    : (parts.index.manifests ?? [])
        .map((entry, position) => ({ entry, position }))
        .filter(({ entry }) => isReadable(entry));
  const images = entries.map(({ entry, position }) => ({
    position,
    names: nameOf(entry) ? [nameOf(entry)] : [],
    openSource: async () => new LayoutSource(reference, parts, entry, "shared"),
  }));
  return { images, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
}

/** One entry of a layout's index.json, and what hangs on it. */
export class LayoutSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits;
  readonly #parts: LayoutParts;
  readonly #top: LayoutEntry;
  readonly #ownership: "own" | "shared";
  readonly #manifests = new Map<Digest, Promise<RawManifest>>();

  /** @param ownership "shared": the parts stay open when this is disposed of */
  constructor(
    reference: ImageReference,
    parts: LayoutParts,
    top: LayoutEntry,
    ownership: "own" | "shared" = "own",
  ) {
    this.#ownership = ownership;
    this.reference = reference;
    this.traits = parts.traits;
    this.#parts = parts;
    this.#top = top;
  }

  get blobOrder(): readonly Digest[] {
    return this.#parts.blobOrder;
  }

  async readManifest(instance: Digest | "top", options: CallOptions): Promise<RawManifest> {
    options.signal.throwIfAborted();
    const digest = instance === "top" ? entryDigest(this.#top.digest) : instance;
    const read = this.#manifests.get(digest) ?? this.#readManifest(digest, instance, options);
    this.#manifests.set(digest, read);
    read.catch(() => this.#manifests.delete(digest));
    return await read;
  }

  async #readManifest(
    digest: Digest,
    instance: Digest | "top",
    options: CallOptions,
  ): Promise<RawManifest> {
    const entry =
      instance === "top"
        ? this.#top
        : this.#parts.index.manifests?.find((each) => each.digest === instance);
    const bytes = await this.#parts.readBlob(digest, maxManifestBytes, options);
    const isKnown = entry !== undefined && isReadable(entry);
    const manifest = readRawManifest(bytes, {
      digest,
      ...(isKnown && { contentType: entry.mediaType }),
    });
    return isKnown || !entry?.mediaType || isSchema1Type(manifest.mediaType)
      ? manifest
      : { ...manifest, mediaType: mediaTypes.schema1Signed }; // what skopeo takes anything else for
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, options: CallOptions): Promise<BlobStream> {
    try {
      return await this.#parts.openBlob(blob, options);
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

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownership === "own") await this.#parts[Symbol.asyncDispose]();
  }
}
