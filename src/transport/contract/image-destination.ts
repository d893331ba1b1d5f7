import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { BlobStream, NewBlob } from "../../stream/blob-stream.ts";
import type { CallOptions } from "./call-options.ts";

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
  /** Images are run where they are kept: one for another platform is told of. Only beside `wantsConfig`. */
  readonly runsImages?: boolean;
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
