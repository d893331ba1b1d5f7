import type { UntrustedSignature } from "../../sigstore/signature.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { KnownError, type KnownErrorOptions } from "../core/errors.ts";
import type { ImageReference, TransportName } from "../core/image-reference.ts";
import type { RawManifest } from "../core/manifest.ts";
import type { BlobStream, NewBlob } from "../stream/blob-stream.ts";

/** Every call that may wait can be called off. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** How a source will be used. */
export interface OpenSourceOptions extends CallOptions {
  /** Signatures will be asked for, of this image where it is known: what reading them takes may begin at once. */
  readonly expectSignatures?: Digest | boolean;
}

/** How a destination is to be written to. */
export interface OpenDestinationOptions extends CallOptions {
  /**
   * The name has to be free still when the image is to get it, or to stand for this very image; else `transport.taken` is
   * thrown then. As exact as the place is able to see it; archives and daemons do not look again.
   */
  readonly onlyIfFree?: boolean;
  /** Only where {@link Transport.keepsReplaced}; a reference without a name replaces nothing. */
  readonly keepReplaced?: KeepReplaced;
}

/**
 * What a name stood for stays under another, if it is another image that the name is given to. It has that other name before
 * it loses its own, and what it could not be given to ends the writing with `transport.not-kept`: the first name is untouched then.
 */
export interface KeepReplaced {
  /** The other name, in the same place. */
  nameOf(replaced: Digest): string;
  /** Told when it has that name. */
  kept(name: string, replaced: Digest): void;
}

/** One way of keeping images. Built once with all its settings: none of them travels with a call. */
export interface Transport {
  readonly name: TransportName;
  /**
   * Settles what the text leaves open: working folder, links, a store's default root, an id's prefix. The result is
   * absolute, so it means the same in another process. `as` tells which end of a copy it will be, since some forms
   * (`oci:PATH:@IDX`) can only be read.
   *
   * @throws {UsageError} `usage.bad-reference`, naming the part that does not parse
   */
  resolve(
    text: string,
    as: "source" | "destination",
    options: CallOptions,
  ): Promise<ImageReference>;
  openSource(reference: ImageReference, options: OpenSourceOptions): Promise<ImageSource>;
  openDestination(
    reference: ImageReference,
    options: OpenDestinationOptions,
  ): Promise<ImageDestination>;
  /** Whether {@link OpenDestinationOptions.keepReplaced} is heeded. */
  readonly keepsReplaced?: true;
  /** Begins what a destination of that name will need. Waits for nothing that takes long; what fails, who writes hears again. */
  readonly expectDestination?: (reference: ImageReference) => Promise<void>;
  /** What only some transports can do; absent where it makes no sense. Undefined where a look cannot tell. */
  readonly digestOf?: (
    reference: ImageReference,
    as: "source" | "destination",
    options: CallOptions,
  ) => Promise<HeldManifest | undefined>;
  /** Whether a name stands for something at a destination: for certain, where {@link digestOf} may not know. */
  readonly isTaken?: (reference: ImageReference, options: CallOptions) => Promise<boolean>;
  /** Opens a place once, for all the images it holds. Absent where a reference can be but one. */
  readonly openImages?: (reference: ImageReference, options: CallOptions) => Promise<OpenImages>;
  readonly listTags?: (
    reference: ImageReference,
    options: CallOptions,
  ) => Promise<readonly string[]>;
  /**
   * The repositories of a registry, by their paths, in its order.
   *
   * @throws {RegistryError} `registry.unsupported` where it does not tell
   */
  readonly listRepositories?: (domain: string, options: CallOptions) => Promise<readonly string[]>;
  /** The places that signatures of an image are kept in, one by one, those that count first. */
  readonly signaturePlaces?: (
    reference: ImageReference,
    access: "read" | "write",
    options: SignaturePlacesOptions,
  ) => Promise<readonly SignaturePlace[]>;
  readonly deleteImage?: (reference: ImageReference, options: CallOptions) => Promise<void>;
  /** Deletes a tag, and leaves the image and its other tags. */
  readonly deleteTag?: (reference: ImageReference, options: CallOptions) => Promise<void>;
  /** Absent where a place holds one image, or images without names. */
  readonly named?: NamedPlaces;
  /** Absent where a place has no room beside its images. */
  readonly companions?: CompanionPlaces;
}

/** Images that stand in one place by name: a repository's tags, a layout's names. */
export interface NamedPlaces {
  /** All names in the place that `reference` is of; empty where there is no such place. */
  names(
    reference: ImageReference,
    as: "source" | "destination",
    options: CallOptions,
  ): Promise<readonly string[]>;
  /** Another name in the same place. */
  byName(reference: ImageReference, name: string): ImageReference;
  /**
   * Takes one name away and no other, whatever they share.
   *
   * @throws {KnownError} `registry.unsupported` where that cannot be
   */
  remove(reference: ImageReference, options: CallOptions): Promise<void>;
}

/** What stands beside images in the same place and belongs to them. */
export interface CompanionPlaces {
  /**
   * What has `subject` as its subject, in the place that `reference` is of; empty where there is nothing, or no such
   * place — OCI distribution-spec § Listing Referrers. What an entry says is to be checked against its manifest.
   */
  referrers(
    reference: ImageReference,
    subject: Digest,
    as: "source" | "destination",
    options: CallOptions,
  ): Promise<readonly Descriptor[]>;
  /** Whatever has that digest in the same place. What is written there has no name. */
  byDigest(reference: ImageReference, digest: Digest): ImageReference;
}

/** The images of one place, to be read one after the other; the place is open until this is disposed of. */
export interface OpenImages extends AsyncDisposable {
  readonly images: readonly {
    /** As the place has them: whole references in archives of docker's, any text in OCI layouts. */
    readonly names: readonly string[];
    /** By which `PATH:@POSITION` names it. */
    readonly position: number;
    openSource(options: CallOptions): Promise<ImageSource>;
  }[];
}

/** Which places of signatures are meant. */
export interface SignaturePlacesOptions extends CallOptions {
  /** More look-asides, by URL, to read from and to write to. */
  readonly urls?: readonly string[];
}

/** One place of signatures. Reading gives them in order; appending adds those that are not there yet. */
export interface SignaturePlace {
  readonly kind: "api" | "lookaside" | "attachments" | "folder";
  /** What it is called: a URL, a repository, a path. */
  readonly where: string;
  /** What it is for; another kind is not to be appended. */
  readonly formats: readonly UntrustedSignature["format"][];
  read(manifest: Digest, options: CallOptions): Promise<readonly UntrustedSignature[]>;
  append(
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
    options: CallOptions,
  ): Promise<void>;
  /** Removes one, from 0. Absent where a place only knows adding. */
  readonly remove?: (manifest: Digest, index: number, options: CallOptions) => Promise<void>;
}

/** What a HEAD tells of a tag: enough to see that there is nothing to do, not enough to trust it. */
export interface HeldManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Whether signatures are kept beside the image that a copy would carry along. Looked up when asked. */
  signed(): Promise<boolean>;
  /**
   * Whether any image kept in the same place might have such signatures, where that can be told without asking for each;
   * absent where it cannot.
   */
  readonly anySigned?: () => Promise<boolean>;
  /** Of an image that was chosen from an index, where the place keeps that beside it: whether it does. */
  readonly keepsIndex?: (index: Digest) => boolean;
}

/** How the bytes of a source can be read. */
export interface SourceTraits {
  /** How many blobs may be open at once. */
  readonly openBlobs: number;
  /**
   * "tape": blobs come in the order of {@link ImageSource.blobOrder}; the copy follows it, one blob open at a time
   * whatever `openBlobs` says, and passes over those that nobody wants. They come once, unless it `reopens`: then what has
   * passed is to be had again, for the price of all that lies before it.
   */
  readonly access: "any" | "tape";
  /** Whether a blob can be opened again, and from an offset: resume, and counting ahead, need it. */
  readonly reopens: boolean;
}

/** A layer as a source can give it. */
export interface HeldLayer extends Descriptor {
  /**
   * The blob that it was unpacked from, where that was checked when it came. A destination that wants layers compressed
   * and holds this one needs no bytes.
   */
  readonly packed?: {
    readonly digest: Digest;
    readonly size: number;
    readonly compression: "gzip" | "zstd";
  };
}

/** One image, or one index and its instances, open for reading. */
export interface ImageSource extends AsyncDisposable {
  readonly reference: ImageReference;
  readonly traits: SourceTraits;
  /** Where the blobs really come from, if that is another place than the reference names: a mirror. */
  readonly origin?: ImageReference;
  /** The top manifest; or, of an index, the instance with that digest. Exact bytes, as signed. Asked twice, read once. */
  readManifest(instance: Digest | "top", options: CallOptions): Promise<RawManifest>;
  /**
   * The layers as this place can give them, where they are not the manifest's own bytes: containers-storage has plain
   * tars only. One for each layer of the manifest, base first (of schema 1: one for each step, the empty layer where the
   * step is throw-away), with the media type and size that such bytes have. Undefined: the manifest tells the truth.
   * A transport whose layers differ has no {@link Transport.digestOf} of them as a source: it would promise a digest
   * that a copy does not keep.
   */
  heldLayers(
    manifest: RawManifest,
    options: CallOptions,
  ): Promise<readonly HeldLayer[] | undefined>;
  /** Every blob of a "tape", configs too, in the order in which they come; empty otherwise. */
  readonly blobOrder: readonly Digest[];
  /**
   * The stream's descriptor tells the size also where `blob` does not (schema 1). Of a "tape": what comes before this blob and was not opened is gone.
   *
   * @throws {TransportError} `transport.blob-not-found`; of a "tape" `transport.unsupported` where the blob has passed
   */
  openBlob(blob: Descriptor, options: CallOptions): Promise<BlobStream>;
  /** Signatures of this manifest will be asked for: to read them may begin. Absent where that would win nothing. */
  readonly expectSignatures?: (manifest: Digest, options: CallOptions) => void;
  /** In the order they are stored; empty where there are none. Read only when someone asks. */
  readSignatures(manifest: Digest, options: CallOptions): Promise<readonly UntrustedSignature[]>;
  /** The bundles of cosign 3 that refer to a manifest, unverified; absent where there can be none. */
  readonly readBundles?: (manifest: Digest, options: CallOptions) => Promise<readonly Uint8Array[]>;
  /**
   * Asked before a manifest is written that was made of what was read here: throws where that must not be copied any more.
   * Absent: it always may.
   */
  readonly checkAgain?: () => void;
  /** Whether {@link readSignatures} would give any, where that can be told for less; to see that nothing is to be done. */
  readonly isSigned?: (manifest: Digest, options: CallOptions) => Promise<boolean>;
}

/** What a destination can hold. Read before any byte moves, so that what cannot work fails at once. */
export interface DestinationTraits {
  /** Manifest media types it takes, the best first; empty if it takes any. */
  readonly manifestTypes: readonly string[];
  readonly indexes: boolean;
  readonly signatureFormats: readonly UntrustedSignature["format"][];
  readonly openBlobs: number;
  /** What layers should arrive as: kept as they are, compressed, or plain. */
  readonly layers: "as-is" | "compressed" | "plain";
  /**
   * What blobs may come whose bytes are made on the way. "sized": their number of bytes is told first, for which the
   * source is read twice. "none": layers stay as they are, whatever `layers` and the user wish; but where `layers` is
   * "compressed", who wishes for a format is told that it cannot be.
   */
  readonly newBlobs: "any" | "sized" | "none";
  /**
   * The config is to be told of before the first layer: {@link ExpectedImage.config} and {@link BlobPlace.diffId}. Costs
   * a wait for it before the first byte of a layer moves. "or-late": where a source that is read once has it behind layers,
   * it comes when it comes, as a blob, and is to be compared with what the layers were.
   */
  readonly wantsConfig?: boolean | "or-late";
  /**
   * "base-first": no layer is asked after or written before the one below it has begun, so that one may wait for its
   * parent to end. Absent: the biggest first.
   */
  readonly layerOrder?: "base-first";
  /** "each": a layer that stands in several places comes once for each of them. Absent: once for all. */
  readonly layerPlaces?: "each";
  /** Whether a schema 1 image keeps the name that it has in it, whatever it is called here. */
  readonly keepsEmbeddedName?: boolean;
  /** Whether an image may be held without its foreign layers, which stay where their URLs say. */
  readonly keepsForeignLayers?: boolean;
}

/** Where in the image a blob belongs. One blob may stand in several places (the empty layer does). */
export interface BlobPlace {
  readonly role: "config" | "layer" | "other";
  /** Positions among the layers, from 0 at the base. */
  readonly positions: readonly number[];
  /** Of a layer at a destination that {@link DestinationTraits.wantsConfig}, where the config tells one for each layer. */
  readonly diffId?: Digest;
}

/** What is about to be written, as planned, so that a store can see which layers it holds. */
export interface ExpectedImage {
  readonly manifest: RawManifest;
  readonly as: "top" | "instance";
  /** The index this image was chosen from; kept beside it where the place is able to. */
  readonly chosenFrom?: RawManifest;
  /**
   * The source's own bytes, where {@link DestinationTraits.wantsConfig}; what is written in the end may be another form of
   * it, with the same layers. Absent for artifacts, and for schema 1, whose config exists only after its layers were read.
   */
  readonly config?: Uint8Array;
}

/** One image or instance being written: blobs, then its manifest. Several may be open at once. */
export interface ImageWriter extends AsyncDisposable {
  /**
   * True if the blob is there now and not a byte was sent: held already, or mounted from `origin`.
   *
   * @throws {TransportError} `transport.upload-refused` where asking opens an upload, and that is refused
   */
  adoptBlob(
    blob: Descriptor,
    place: BlobPlace,
    origin: ImageReference,
    options: CallOptions,
  ): Promise<"held" | "mounted" | false>;
  /** Reads `blob` to its end and says what is there now. If that fails, nothing is left under its digest. */
  writeBlob(
    blob: BlobStream | NewBlob,
    place: BlobPlace,
    options: CallOptions,
  ): Promise<Descriptor>;
  /** @throws {TransportError} `transport.manifest-refused` when another form of the image may be tried */
  writeManifest(manifest: RawManifest, options: CallOptions): Promise<void>;
}

/**
 * A place being written to: images, then the index, signatures, commit.
 *
 * Disposed of before {@link commit}, it gives up: what this run wrote, and nothing else refers to, is removed where
 * the transport is able to.
 */
export interface ImageDestination extends AsyncDisposable {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits;
  /**
   * Names where the blobs are, where those of one image are for others too: what one image of a run brings, another that
   * goes to the same place takes over by {@link ImageWriter.adoptBlob}. Absent: each image has its own.
   */
  readonly blobPlace?: string;
  /**
   * Names what holds several such places, where a blob of one can be had in another without being sent, as in a registry.
   */
  readonly blobPool?: string;
  openImage(image: ExpectedImage, options: CallOptions): Promise<ImageWriter>;
  writeIndex(index: RawManifest, options: CallOptions): Promise<void>;
  /** Signatures will be written: what is to be asked first may be asked now. Absent where that would win nothing. */
  readonly expectSignatures?: (options: CallOptions) => void;
  /** Those of these formats that stand where {@link writeSignatures} would add more. */
  readonly readSignatures?: (
    manifest: Digest,
    formats: readonly UntrustedSignature["format"][],
    options: CallOptions,
  ) => Promise<readonly UntrustedSignature[]>;
  /**
   * Fails as {@link writeSignatures} would for signatures of these formats, where that is known before anything is
   * written. Absent where {@link DestinationTraits.signatureFormats} says it all.
   */
  readonly checkSignatureFormats?: (
    manifest: Digest,
    formats: readonly UntrustedSignature["format"][],
    options: CallOptions,
  ) => Promise<void>;
  /** Adds those that are not there yet. */
  writeSignatures(
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
    options: CallOptions,
  ): Promise<void>;
  commit(options: CallOptions): Promise<void>;
}

/** What can be wrong with a place. */
export type TransportErrorCode =
  | "transport.image-not-found"
  | "transport.blob-not-found"
  | "transport.manifest-refused"
  /** What was asked for a blob was to take it, too, and does not. */
  | "transport.upload-refused"
  | "transport.unsupported"
  | "transport.unreadable"
  /** What was to be free has been given to another image. */
  | "transport.taken"
  /** What is to be replaced cannot be kept under another name, and so is not replaced. */
  | "transport.not-kept"
  | "transport.busy";

/** A place cannot be read or written. */
export class TransportError extends KnownError<TransportErrorCode> {
  readonly reference: ImageReference | undefined;

  constructor(
    code: TransportErrorCode,
    message: string,
    options: KnownErrorOptions & { readonly reference?: ImageReference } = {},
  ) {
    super(code, message, options);
    this.reference = options.reference;
  }
}
