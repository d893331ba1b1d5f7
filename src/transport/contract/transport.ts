import type { Digest } from "../../core/digest.ts";
import type { ImageReference, TransportName } from "../../core/image-reference.ts";
import type { CallOptions } from "./call-options.ts";
import type { ImageDestination } from "./image-destination.ts";
import type { ImageSource } from "./image-source.ts";
import type {
  CompanionPlaces,
  NamedPlaces,
  SignaturePlace,
  SignaturePlacesOptions,
} from "./places.ts";

/** How a source will be used. */
export interface OpenSourceOptions extends CallOptions {
  /** Signatures will be asked for, of this image where it is known: what reading them takes may begin at once. */
  readonly expectSignatures?: Digest | boolean;
}

/** A look at what a name stands for. */
export interface DigestOfOptions extends CallOptions {
  /** What it stands for most likely: a place that tells by that alone whether it is so has less to do. */
  readonly likely?: { readonly digest: Digest; readonly mediaType: string };
}

/** How a destination is to be written to. */
export interface OpenDestinationOptions extends CallOptions {
  /** Nothing will be written: it is only asked what it would take, and nothing is made for it where that can be avoided. */
  readonly dryRun?: boolean;
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
    options: DigestOfOptions,
  ) => Promise<HeldManifest | undefined>;
  /** {@link digestOf} knows destinations alone, and asks nobody for them: a source's manifest is as cheap to read. */
  readonly tellsDestinationsOnly?: true;
  /** {@link digestOf} knows nothing of sources: a source's manifest is as cheap to read as a digest to ask for, to see whether there is anything to do. */
  readonly isAtHand?: true;
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
  /** Reads all of it, and says whether it is what its digests say; absent where that is taken for granted. */
  readonly isIntact?: (options: CallOptions) => Promise<boolean>;
  /** A copy puts the whole image there anew: signatures cannot be added to what is there. */
  readonly isReplacedWhole?: true;
}
