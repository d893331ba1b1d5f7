import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest } from "../../core/digest.ts";
import { ContentError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import type { Repository } from "../../registry/repository.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { ImageSource, SourceTraits } from "../contract/image-source.ts";
import { readBundles } from "./bundles.ts";
import type { RepositorySignatures } from "./signatures.ts";

/** What is held in one registry, from one endpoint that answered. */
export class DockerSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits = { openBlobs: 64, access: "any", reopens: true };
  readonly blobOrder = [];
  readonly origin: ImageReference;
  readonly #repository: Repository;
  readonly #top: FetchedManifest;
  readonly #manifests = new Map<Digest, Promise<RawManifest>>();
  readonly #signatures: RepositorySignatures;

  constructor(
    reference: ImageReference,
    origin: ImageReference,
    repository: Repository,
    top: FetchedManifest,
    signatures: RepositorySignatures,
  ) {
    this.reference = reference;
    this.origin = origin;
    this.#repository = repository;
    this.#signatures = signatures;
    this.#top = top;
  }

  async readManifest(instance: Digest | "top", options: CallOptions): Promise<RawManifest> {
    if (instance === "top") return this.#readTop();
    const known = this.#manifests.get(instance);
    if (known) return await known;
    const reading = this.#readInstance(instance, options);
    this.#manifests.set(instance, reading);
    return await reading;
  }

  #readTop(): RawManifest {
    const top = verifiedManifest(this.#top);
    this.#manifests.set(top.digest, Promise.resolve(top));
    return top;
  }

  async #readInstance(digest: Digest, options: CallOptions): Promise<RawManifest> {
    return verifiedManifest({
      ...(await fetchManifest(this.#repository, digest, options)),
      digest,
    });
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    const foreign = (blob.urls?.length ?? 0) > 0;
    return foreign
      ? await this.#repository.openForeignBlob(blob, { signal })
      : await this.#repository.openBlob(blob, { signal });
  }

  expectSignatures(manifest: Digest, call: CallOptions): void {
    this.#signatures.expect(manifest, call);
  }

  readSignatures(manifest: Digest, call: CallOptions): Promise<readonly UntrustedSignature[]> {
    return this.#signatures.read(manifest, call);
  }

  readBundles(manifest: Digest, call: CallOptions): Promise<readonly Uint8Array[]> {
    return readBundles(this.#repository, manifest, call);
  }

  isSigned(manifest: Digest, call: CallOptions): Promise<boolean> {
    return this.#signatures.any(manifest, call);
  }

  async [Symbol.asyncDispose](): Promise<void> {} // the connection outlives one image: it belongs to the run
}

/** A manifest as a registry gave it, and the digest that it was asked for by. */
export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  /** What the registry says its digest is. */
  readonly digestHeader: Digest | undefined;
  readonly digest?: Digest;
}

/**
 * What was asked for by digest must have it; what a tag stands for must have the digest that the registry told, or bytes
 * flipped on the way would be stored under another name. One told in another algorithm tells nothing — `specs/registry.md` 1.2.
 *
 * @throws {ContentError} `content.bad-manifest`, `content.digest-mismatch`
 */
/** A manifest as fetched, if it has the digests that were asked for and told. @throws {ContentError} */
export function verifiedManifest({
  bytes,
  contentType,
  digestHeader,
  digest,
}: FetchedManifest): RawManifest {
  const manifest = readRawManifest(bytes, {
    ...(contentType !== undefined && { contentType }),
    ...(digest && { digest }),
  });
  const comparable = digestHeader && algorithmOf(digestHeader) === algorithmOf(manifest.digest);
  if (comparable && digestHeader !== manifest.digest) {
    throw new ContentError(
      "content.digest-mismatch",
      `Manifest does not match provided manifest digest ${digestHeader}`,
      { retryable: true },
    );
  }
  return manifest;
}

/** Reads a manifest by tag or digest, unverified. */
export async function fetchManifest(
  repository: Repository,
  tagOrDigest: string,
  { signal }: CallOptions,
): Promise<FetchedManifest> {
  return await repository.readManifest(tagOrDigest, { signal });
}
