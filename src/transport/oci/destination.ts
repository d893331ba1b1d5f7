import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { referrerEntry, subjectOf } from "../../core/subject.ts";
import { BlobFolder } from "../../layout/blob-folder.ts";
import { entryNamed, putEntry, renameEntry } from "../../layout/entries.ts";
import { reading } from "../../layout/errors.ts";
import { type LayoutEntry, type LayoutIndex, newEntry } from "../../layout/index-file.ts";
import {
  blobPath,
  type LayoutPaths,
  makeLayoutFolder,
  markAsLayout,
  readOrNewIndex,
} from "../../layout/layout-folder.ts";
import type { OciLocation } from "../../layout/location.ts";
import { identifyProcess, type OwnProcess } from "../../layout/owner.ts";
import { sweepUnfinished } from "../../layout/unfinished.ts";
import { updateLayoutIndex } from "../../layout/update-index.ts";
import type { BlobStream, NewBlob } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type {
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "../contract/image-destination.ts";
import type { KeepReplaced } from "../contract/transport.ts";

/** How a layout takes its layers. */
export interface OciDestinationOptions {
  /** Take layers as they are, where skopeo would compress plain ones. */
  readonly acceptUncompressedLayers: boolean;
  /** These as in {@link OpenDestinationOptions}. */
  readonly dryRun?: boolean;
  readonly onlyIfFree?: boolean;
  readonly keepReplaced?: KeepReplaced;
}

/**
 * Makes the layout ready to be written to. An index.json that cannot be read is refused here, before any blob moves.
 *
 * @throws {TransportError} `transport.unsupported` for a position, which can only be read
 * @throws {LayoutError} where the folder cannot be made or its index.json not be read
 */
export async function openOciDestination(
  reference: ImageReference,
  location: OciLocation,
  paths: LayoutPaths,
  options: OciDestinationOptions,
): Promise<ImageDestination> {
  if (location.position !== undefined) {
    throw new TransportError(
      "transport.unsupported",
      `Destination reference must not contain a manifest index @${location.position}`,
      { reference },
    );
  }
  await readOrNewIndex(paths);
  const self = await identifyProcess();
  if (!options.dryRun) {
    await makeLayoutFolder(paths);
    for (const folder of new Set([paths.folder, unfinishedFolder(paths)])) {
      await reading(`open ${folder}`, () => sweepUnfinished(folder, self));
    }
  }
  return new OciDestination(reference, location, paths, self, options);
}

/** Beside the folder of blobs, so that a rename brings them there. */
function unfinishedFolder(paths: LayoutPaths): string {
  return paths.sharedBlobs ?? paths.folder;
}

class OciDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits;
  readonly blobPlace: string;
  readonly #location: OciLocation;
  readonly #paths: LayoutPaths;
  readonly #self: OwnProcess;
  readonly #blobs: BlobFolder;
  readonly #onlyIfFree: boolean;
  readonly #keep: KeepReplaced | undefined;
  /** Must still be there when the image gets its name: until then others, deleting, see no use of it. */
  readonly #needed = new Map<Digest, number>();
  #top: RawManifest | undefined;

  constructor(
    reference: ImageReference,
    location: OciLocation,
    paths: LayoutPaths,
    self: OwnProcess,
    options: OciDestinationOptions,
  ) {
    this.reference = reference;
    this.blobPlace = `oci:${unfinishedFolder(paths)}`;
    this.#location = location;
    this.#paths = paths;
    this.#self = self;
    this.#onlyIfFree = options.onlyIfFree ?? false;
    this.#keep = options.keepReplaced;
    this.#blobs = new BlobFolder({
      unfinished: unfinishedFolder(paths),
      pathOf: (digest) => blobPath(paths, digest),
      self,
    });
    this.traits = {
      manifestTypes: [mediaTypes.ociManifest, mediaTypes.ociIndex],
      indexes: true,
      signatureFormats: [],
      openBlobs: 64,
      layers: options.acceptUncompressedLayers ? "as-is" : "compressed",
      newBlobs: "any",
    };
  }

  async openImage(image: ExpectedImage): Promise<ImageWriter> {
    return {
      adoptBlob: async (blob) => await this.#adopt(blob),
      writeBlob: async (blob, _place, call) => await this.#write(blob, call),
      writeManifest: async (manifest) =>
        image.as === "top" ? await this.#putTop(manifest) : await this.#putManifest(manifest),
      async [Symbol.asyncDispose]() {},
    };
  }

  /** A blob of the right length is taken for the right one: it got its name when it had been verified. */
  async #adopt(blob: Descriptor): Promise<"held" | false> {
    const size = await this.#blobs.sizeOf(blob.digest);
    if (size === undefined || (blob.size >= 0 && size !== blob.size)) return false;
    this.#needed.set(blob.digest, size);
    return "held";
  }

  async #write(blob: BlobStream | NewBlob, { signal }: CallOptions): Promise<Descriptor> {
    const written = await this.#blobs.write(blob, signal);
    this.#needed.set(written.digest, written.size);
    return written;
  }

  async writeIndex(index: RawManifest): Promise<void> {
    await this.#putTop(index);
  }

  async #putTop(manifest: RawManifest): Promise<void> {
    const { digest } = this.#location;
    if (digest !== undefined && digest !== manifest.digest) {
      throw new TransportError(
        "transport.unsupported",
        `Digest of the manifest, ${manifest.digest}, does not match destination reference`,
        { reference: this.reference },
      );
    }
    await this.#putManifest(manifest);
    this.#top = manifest;
  }

  async #putManifest(manifest: RawManifest): Promise<void> {
    await this.#blobs.put(manifest.digest, manifest.bytes);
    this.#needed.set(manifest.digest, manifest.bytes.byteLength);
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
    await this.#blobs.settle();
    signal.throwIfAborted();
    await markAsLayout(this.#paths, this.#self);
    const top = this.#top;
    let kept: Renamed | undefined;
    await updateLayoutIndex(this.#paths, { self: this.#self, signal }, async (index) => {
      await this.#checkNeeded();
      if (!top) return { index };
      const { digest, name } = this.#location;
      if (digest !== undefined && hasEntry(index, digest)) return { index };
      if (this.#onlyIfFree && isGivenTo(index, name, top.digest) === false) throw this.#taken();
      kept = this.#rename(index, name, top.digest);
      return { index: putEntry(kept?.index ?? index, entryOf(top), name) };
    });
    if (kept) this.#keep?.kept(kept.name, kept.digest);
  }

  /** What stands under `name` gets its other name where a new image takes this one: in one step for whoever reads. */
  #rename(index: LayoutIndex, name: string | undefined, next: Digest): Renamed | undefined {
    const replaced = name === undefined ? undefined : entryNamed(index, name)?.digest;
    if (!this.#keep || name === undefined || replaced === undefined || replaced === next) return;
    if (!isDigest(replaced)) throw this.#notKept(`its digest cannot be read: ${replaced}`);
    const other = this.#keep.nameOf(replaced);
    return { index: renameEntry(index, name, other), name: other, digest: replaced };
  }

  #notKept(why: string): TransportError {
    return new TransportError(
      "transport.not-kept",
      `Cannot keep what ${formatImageReference(this.reference)} stands for, so it is not replaced: ${why}`,
      { reference: this.reference },
    );
  }

  #taken(): TransportError {
    return new TransportError(
      "transport.taken",
      `${formatImageReference(this.reference)} was given to another image meanwhile, and is left to it`,
      { reference: this.reference },
    );
  }

  async #checkNeeded(): Promise<void> {
    for (const [digest, size] of this.#needed) {
      if ((await this.#blobs.sizeOf(digest)) === size) continue;
      throw new TransportError(
        "transport.busy",
        `Cannot finish ${formatImageReference(this.reference)}: blob ${digest} was removed by another process`,
        { reference: this.reference, retryable: true, hint: "Copy again" },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blobs[Symbol.asyncDispose]();
  }
}

/** An index in which an image has another name. */
interface Renamed {
  readonly index: LayoutIndex;
  readonly name: string;
  readonly digest: Digest;
}

function hasEntry({ manifests }: LayoutIndex, digest: Digest): boolean {
  return (manifests ?? []).some((entry) => entry.digest === digest);
}

/** Whether a name stands for that digest; undefined where it is free. */
function isGivenTo(
  index: LayoutIndex,
  name: string | undefined,
  digest: Digest,
): boolean | undefined {
  const holder = name === undefined ? undefined : entryNamed(index, name);
  return holder && holder.digest === digest;
}

/** What refers to an image says in index.json what it is: entries of images stay as skopeo writes them. */
function entryOf(manifest: RawManifest): LayoutEntry {
  const entry = newEntry(manifest.mediaType, manifest.digest, manifest.bytes.byteLength);
  if (subjectOf(manifest) === undefined) return entry;
  return { ...entry, artifactType: referrerEntry(manifest).artifactType ?? "" };
}
