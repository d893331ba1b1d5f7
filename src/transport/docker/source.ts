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
  readonly #manifests = new Map<string, Promise<RawManifest>>();
  readonly #readSignatures: (manifest: Digest) => Promise<readonly UntrustedSignature[]>;

  constructor(
    reference: ImageReference,
    origin: ImageReference,
    repository: Repository,
    top: RawManifest,
    readSignatures: (manifest: Digest) => Promise<readonly UntrustedSignature[]>,
  ) {
    this.reference = reference;
    this.origin = origin;
    this.#repository = repository;
    this.#readSignatures = readSignatures;
    this.#manifests.set("top", Promise.resolve(top));
    this.#manifests.set(top.digest, Promise.resolve(top));
  }

  readManifest(instance: Digest | "top", options: CallOptions): Promise<RawManifest> {
    const known = this.#manifests.get(instance);
    if (known) return known;
    const reading = fetchManifest(this.#repository, instance, instance as Digest, options);
    this.#manifests.set(instance, reading);
    return reading;
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

/** Reads a manifest by tag or digest; where `digest` is known the bytes must have it. */
export async function fetchManifest(
  repository: Repository,
  tagOrDigest: string,
  digest: Digest | undefined,
  { signal }: CallOptions,
): Promise<RawManifest> {
  const { bytes, contentType } = await repository.readManifest(tagOrDigest, { signal });
  return readRawManifest(bytes, {
    ...(contentType !== undefined && { contentType }),
    ...(digest && { digest }),
  });
}
