import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { isTag } from "../../core/docker-reference.ts";
import { formatImageReference, type ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { Instead } from "../../registry/manifests.ts";
import type { Repository } from "../../registry/repository.ts";
import type { BlobStream, NewBlob } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type {
  BlobPlace,
  DestinationTraits,
  ExpectedImage,
  ImageDestination,
  ImageWriter,
} from "../contract/image-destination.ts";
import type { KeepReplaced, OpenDestinationOptions } from "../contract/transport.ts";
import { keepingReplaced } from "./keep-replaced.ts";
import { isUnknownDigest } from "./location.ts";
import type { RepositorySignatures } from "./signatures.ts";

/** A tag or digest of one repository, being pushed. */
export class DockerDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly traits: DestinationTraits = {
    manifestTypes: [
      mediaTypes.ociManifest,
      mediaTypes.dockerManifest,
      mediaTypes.ociIndex,
      mediaTypes.dockerList,
      mediaTypes.schema1Signed,
      mediaTypes.schema1,
    ],
    indexes: true,
    signatureFormats: ["simple-signing", "sigstore"],
    openBlobs: 64,
    layers: "compressed",
    newBlobs: "any",
    keepsForeignLayers: true,
  };
  readonly blobPlace: string;
  readonly blobPool: string;
  readonly #repository: Repository;
  readonly #signatures: RepositorySignatures;
  readonly #onlyIfFree: boolean;
  readonly #keep: KeepReplaced | undefined;

  constructor(
    reference: ImageReference,
    repository: Repository,
    signatures: RepositorySignatures,
    {
      onlyIfFree = false,
      keepReplaced,
    }: Pick<OpenDestinationOptions, "onlyIfFree" | "keepReplaced"> = {},
  ) {
    this.reference = reference;
    this.blobPlace = `docker://${repository.name}`;
    this.blobPool = `docker://${repository.host}`;
    this.#repository = repository;
    this.#signatures = signatures;
    this.#onlyIfFree = onlyIfFree;
    this.#keep = keepReplaced;
  }

  async openImage({ as }: ExpectedImage): Promise<ImageWriter> {
    const put = (manifest: RawManifest, signal: AbortSignal) =>
      as === "top"
        ? this.#putTop(manifest, signal)
        : putManifest(this.#repository, manifest.digest, manifest, { signal });
    return new DockerWriter(this.reference, this.#repository, put);
  }

  async writeIndex(index: RawManifest, { signal }: CallOptions): Promise<void> {
    await this.#putTop(index, signal);
  }

  /** Registries that heed no condition are asked once more: what is left is the time between two requests. */
  async #putTop(manifest: RawManifest, signal: AbortSignal): Promise<void> {
    const name = topName(this.reference, manifest);
    if (!this.#onlyIfFree) return await this.#replaceTop(name, manifest, signal);
    const head = await this.#repository.headManifest(name, { signal });
    if (head.type === "held") {
      if (head.digest === manifest.digest) return;
      throw this.#taken();
    }
    try {
      await putManifest(this.#repository, name, manifest, { signal, instead: "nothing" });
    } catch (error) {
      if (error instanceof RegistryError && error.code === "registry.changed") {
        throw this.#taken(error);
      }
      throw error;
    }
  }

  async #replaceTop(name: string, manifest: RawManifest, signal: AbortSignal): Promise<void> {
    const repository = this.#repository;
    const put = (instead?: Instead) =>
      putManifest(repository, name, manifest, { signal, ...(instead && { instead }) });
    if (!this.#keep || !isTag(name)) return await put();
    await keepingReplaced({ repository, tag: name, next: manifest.digest }, this.#keep, put, {
      signal,
    });
  }

  #taken(cause?: RegistryError): TransportError {
    const name = formatImageReference(this.reference);
    return new TransportError(
      "transport.taken",
      `${name} was given to another image meanwhile, and is left to it`,
      { reference: this.reference, cause },
    );
  }

  readSignatures(
    manifest: Digest,
    formats: readonly UntrustedSignature["format"][],
    call: CallOptions,
  ): Promise<readonly UntrustedSignature[]> {
    return this.#signatures.standing(manifest, formats, call);
  }

  checkSignatureFormats(
    manifest: Digest,
    formats: readonly UntrustedSignature["format"][],
    call: CallOptions,
  ): Promise<void> {
    return this.#signatures.checkFormats(manifest, formats, call);
  }

  expectSignatures(call: CallOptions): void {
    this.#signatures.expectWriting(call);
  }

  writeSignatures(
    manifest: Digest,
    signatures: readonly UntrustedSignature[],
    call: CallOptions,
  ): Promise<void> {
    return this.#signatures.write(manifest, signatures, call);
  }

  async commit(): Promise<void> {} // a registry shows an image with the PUT of its manifest

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#repository.cancelUploads();
  }
}

type PutManifest = (manifest: RawManifest, signal: AbortSignal) => Promise<void>;

class DockerWriter implements ImageWriter {
  readonly #reference: ImageReference;
  readonly #repository: Repository;
  readonly #put: PutManifest;

  constructor(reference: ImageReference, repository: Repository, put: PutManifest) {
    this.#reference = reference;
    this.#repository = repository;
    this.#put = put;
  }

  async adoptBlob(
    blob: Descriptor,
    _place: BlobPlace,
    origin: ImageReference,
    { signal }: CallOptions,
  ): Promise<"held" | "mounted" | false> {
    if (isSameRepository(this.#reference, origin)) return "held"; // or its manifest would not name it
    const from = mountCandidates(this.#reference, origin);
    try {
      return await this.#repository.adoptBlob(blob, from, { signal });
    } catch (error) {
      throw error instanceof RegistryError && error.isOpening ? uploadRefused(error) : error;
    }
  }

  async writeBlob(
    blob: BlobStream | NewBlob,
    _place: BlobPlace,
    { signal }: CallOptions,
  ): Promise<Descriptor> {
    return await this.#repository.writeBlob(blob, { signal });
  }

  async writeManifest(manifest: RawManifest, { signal }: CallOptions): Promise<void> {
    await this.#put(manifest, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function uploadRefused(cause: RegistryError): TransportError {
  const { message, retryable, hint } = cause;
  return new TransportError("transport.upload-refused", message, {
    cause,
    retryable,
    ...(hint !== undefined && { hint }),
  });
}

async function putManifest(
  repository: Repository,
  name: string,
  manifest: RawManifest,
  options: Parameters<Repository["pushManifest"]>[2],
): Promise<void> {
  try {
    await repository.pushManifest(name, manifest, options);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "registry.manifest-refused")
      throw error;
    throw new TransportError("transport.manifest-refused", error.message, { cause: error });
  }
}

/** What the top manifest is put as: its tag, else its digest. */
function topName(reference: ImageReference, manifest: RawManifest): string {
  if (isUnknownDigest(reference)) return manifest.digest;
  return reference.docker?.tag ?? reference.docker?.digest ?? manifest.digest;
}

function isSameRegistry({ docker: to }: ImageReference, origin: ImageReference): boolean {
  return origin.transport === "docker" && to !== undefined && origin.docker?.domain === to.domain;
}

function isSameRepository(reference: ImageReference, origin: ImageReference): boolean {
  return isSameRegistry(reference, origin) && origin.docker?.path === reference.docker?.path;
}

/** Repositories of the same registry that are known to hold the source's blobs. */
function mountCandidates(reference: ImageReference, origin: ImageReference): readonly string[] {
  return isSameRegistry(reference, origin) && origin.docker ? [origin.docker.path] : [];
}
