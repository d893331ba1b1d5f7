import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { type RawManifest, readRawManifest } from "../../core/manifest.ts";
import type { Repository } from "../../registry/repository.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions, ImageSource, SourceTraits } from "../contract.ts";

/** What is held in one registry, from one endpoint that answered. */
export class DockerSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits = { openBlobs: 64, access: "any", reopens: true };
  readonly blobOrder = [];
  readonly origin: ImageReference;
  readonly #repository: Repository;
  readonly #top: FetchedManifest;
  readonly #manifests = new Map<Digest, Promise<RawManifest>>();
  readonly #readSignatures: (manifest: Digest) => Promise<readonly UntrustedSignature[]>;

  constructor(
    reference: ImageReference,
    origin: ImageReference,
    repository: Repository,
    top: FetchedManifest,
    readSignatures: (manifest: Digest) => Promise<readonly UntrustedSignature[]>,
  ) {
    this.reference = reference;
    this.origin = origin;
    this.#repository = repository;
    this.#readSignatures = readSignatures;
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
    const top = verify(this.#top);
    this.#manifests.set(top.digest, Promise.resolve(top));
    return top;
  }

  async #readInstance(digest: Digest, options: CallOptions): Promise<RawManifest> {
    return verify({ ...(await fetchManifest(this.#repository, digest, options)), digest });
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    return await this.#repository.openBlob(blob, { signal });
  }

  readSignatures(manifest: Digest): Promise<readonly UntrustedSignature[]> {
    return this.#readSignatures(manifest);
  }

  async [Symbol.asyncDispose](): Promise<void> {} // the connection outlives one image: it belongs to the run
}

/** A manifest as a registry gave it, and the digest that it was asked for by. */
export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly digest?: Digest;
}

/** @throws {ContentError} `content.bad-manifest`, `content.digest-mismatch` */
function verify({ bytes, contentType, digest }: FetchedManifest): RawManifest {
  return readRawManifest(bytes, {
    ...(contentType !== undefined && { contentType }),
    ...(digest && { digest }),
  });
}

/** Reads a manifest by tag or digest, unverified. */
export async function fetchManifest(
  repository: Repository,
  tagOrDigest: string,
  { signal }: CallOptions,
): Promise<FetchedManifest> {
  return await repository.readManifest(tagOrDigest, { signal });
}
