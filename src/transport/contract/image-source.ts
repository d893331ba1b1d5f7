import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "./call-options.ts";

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
