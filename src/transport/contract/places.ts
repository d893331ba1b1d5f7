import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { CallOptions } from "./call-options.ts";

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
  /** What refers to an image stays when that goes, until it is removed itself. Absent: it goes as the place sees fit. */
  readonly outlive?: true;
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
  /** What it is for; another kind is not to be appended, but to a look-aside by who found it in one. */
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
