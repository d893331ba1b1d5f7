import { join } from "node:path";
import { parseEnvelope } from "../../../sigstore/envelope.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { goString } from "../../core/go-json.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { maxManifestBytes, type RawManifest, readRawManifest } from "../../core/manifest.ts";
import { openBlobFile, readSmallFile } from "../../layout/blob-file.ts";
import { LayoutError } from "../../layout/errors.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { TransportError } from "../contract/errors.ts";
import type { ImageSource, SourceTraits } from "../contract/image-source.ts";
import { blobFile, instanceFile, manifestFile, signatureFile } from "./file-names.ts";

const maxSignatureBytes = 4 * 1024 * 1024;

/** The image in a dir: folder. Nothing is read before it is asked for, so a missing folder shows with the manifest. */
export class DirSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: SourceTraits = { openBlobs: 64, access: "any", reopens: true };
  readonly blobOrder: readonly Digest[] = [];
  readonly #folder: string;
  readonly #manifests = new Map<Digest | "top", Promise<RawManifest>>();

  /** @param folder spelled as it shall stand in messages */
  constructor(reference: ImageReference, folder: string) {
    this.reference = reference;
    this.#folder = folder;
  }

  async readManifest(instance: Digest | "top", { signal }: CallOptions): Promise<RawManifest> {
    signal.throwIfAborted();
    const read = this.#manifests.get(instance) ?? this.#readManifest(instance);
    this.#manifests.set(instance, read);
    read.catch(() => this.#manifests.delete(instance));
    return await read;
  }

  async #readManifest(instance: Digest | "top"): Promise<RawManifest> {
    if (instance === "top") {
      return readRawManifest(await readSmallFile(this.#at(manifestFile), maxManifestBytes));
    }
    const bytes = await readSmallFile(this.#at(instanceFile(instance)), maxManifestBytes);
    return readRawManifest(bytes, { digest: instance });
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }

  async heldLayers(): Promise<undefined> {}

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    const path = this.#at(blobFile(blob.digest));
    try {
      return await openBlobFile(path, blob, { signal });
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (algorithmOf(blob.digest) !== "sha256") return await this.#openUnmarked(blob, signal);
      throw new TransportError("transport.blob-not-found", error.message, {
        cause: error,
        reference: this.reference,
      });
    }
  }

  /** skopeo 1.22 and older name every blob by its hex alone. */
  async #openUnmarked(blob: Descriptor, signal: AbortSignal): Promise<BlobStream> {
    const path = this.#at(hexOf(blob.digest));
    try {
      return await openBlobFile(path, blob, { signal });
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new TransportError("transport.blob-not-found", error.message, {
        cause: error,
        reference: this.reference,
      });
    }
  }

  /** Ends at the first number that is missing. */
  async readSignatures(
    manifest: Digest,
    call: CallOptions,
  ): Promise<readonly UntrustedSignature[]> {
    const top = await this.readManifest("top", call);
    const instance = manifest === top.digest ? undefined : manifest;
    const signatures: UntrustedSignature[] = [];
    for (let number = 1; ; number++) {
      call.signal.throwIfAborted();
      const signature = await this.#readSignature(this.#at(signatureFile(number, instance)));
      if (signature === undefined) return signatures;
      signatures.push(signature);
    }
  }

  async #readSignature(path: string): Promise<UntrustedSignature | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = await readSmallFile(path, maxSignatureBytes);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    try {
      return parseEnvelope(bytes);
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      throw new TransportError(
        "transport.unreadable",
        `parsing signature ${goString(path, false)}: ${error.message}`,
        { cause: error, reference: this.reference },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {} // each blob closes its own file
}

function isMissing(error: unknown): error is LayoutError {
  return error instanceof LayoutError && error.code === "layout.missing";
}
