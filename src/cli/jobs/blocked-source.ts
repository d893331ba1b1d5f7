import { PolicyError } from "../../../policy/errors.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { Block } from "../../server/admission/block-list.ts";
import { namesOfContent, namesOfManifest } from "../../server/admission/content-names.ts";
import { embeddedManifests } from "../../server/admission/embedded-content.ts";
import { namesOf } from "../../server/admission/manifest-shape.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import type { Transport } from "../../transport/contract/transport.ts";
import type { BlockableNames } from "./blockable-names.ts";
import type { JobBlocks } from "./job-blocks.ts";

/** What sources are watched with. */
export interface WatchingParts {
  readonly blocks: JobBlocks;
  readonly namesOf: BlockableNames;
}

/**
 * A transport whose sources give nothing that is blocked: no manifest that is, or names what is, no blob, nothing of a
 * repository; and no more of what is blocked while it is read. What they throw is `policy.refused`, with the reason.
 */
export function withoutBlocked(transport: Transport, parts: WatchingParts): Transport {
  const { digestOf, openImages, listTags } = transport;
  const watched = (source: ImageSource) => new WatchedSource(source, parts);
  const checkName = (reference: ImageReference) => {
    for (const name of repositoriesOf(reference, parts)) refuse(parts.blocks.ofRepository(name));
  };
  return {
    ...transport,
    async openSource(reference, options) {
      checkName(reference);
      return watched(await transport.openSource(reference, options));
    },
    ...(digestOf && {
      async digestOf(reference, as, options) {
        if (as === "source") checkName(reference);
        const held = await digestOf.call(transport, reference, as, options);
        if (as === "source" && held) refuse(parts.blocks.ofDigest(held.digest));
        return held;
      },
    }),
    ...(listTags && {
      async listTags(reference, options) {
        checkName(reference);
        return await listTags.call(transport, reference, options);
      },
    }),
    ...(openImages && {
      async openImages(reference, options) {
        const opened = await openImages.call(transport, reference, options);
        const images = opened.images.map((image) => ({
          ...image,
          openSource: async (call: CallOptions) => watched(await image.openSource(call)),
        }));
        return { images, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
      },
    }),
  };
}

function repositoriesOf({ docker }: ImageReference, { namesOf }: WatchingParts): readonly string[] {
  return docker ? namesOf(docker) : [];
}

function refuse(block: Block | undefined): void {
  if (block) throw refusal(block);
}

function refusal({ reason }: Block): PolicyError {
  return new PolicyError("policy.refused", `Source image rejected: blocked: ${reason}`);
}

class WatchedSource implements ImageSource {
  readonly reference: ImageReference;
  readonly traits: ImageSource["traits"];
  readonly origin?: ImageReference;
  readonly expectSignatures?: NonNullable<ImageSource["expectSignatures"]>;
  readonly readBundles?: NonNullable<ImageSource["readBundles"]>;
  readonly isSigned?: NonNullable<ImageSource["isSigned"]>;
  readonly #source: ImageSource;
  readonly #parts: WatchingParts;
  readonly #repositories: readonly string[];
  readonly #manifests = new Map<Digest, RawManifest>();
  readonly #blobs = new Map<Digest, AbortController>();
  readonly #unwatch: () => void;

  constructor(source: ImageSource, parts: WatchingParts) {
    this.#source = source;
    this.#parts = parts;
    const { reference, origin, traits, expectSignatures, readBundles, isSigned } = source;
    this.reference = reference;
    this.traits = traits;
    if (origin) this.origin = origin;
    if (expectSignatures) this.expectSignatures = expectSignatures.bind(source);
    if (readBundles) this.readBundles = readBundles.bind(source);
    if (isSigned) this.isSigned = isSigned.bind(source);
    const places = [reference, ...(origin ? [origin] : [])];
    this.#repositories = [...new Set(places.flatMap((place) => repositoriesOf(place, parts)))];
    this.#unwatch = parts.blocks.onChange(() => this.#look());
  }

  get blobOrder(): readonly Digest[] {
    return this.#source.blobOrder;
  }

  async readManifest(instance: Digest | "top", options: CallOptions): Promise<RawManifest> {
    const manifest = await this.#source.readManifest(instance, options);
    this.#manifests.set(manifest.digest, manifest);
    refuse(this.#blockOfManifest(manifest));
    return manifest;
  }

  async heldLayers(manifest: RawManifest, options: CallOptions) {
    return await this.#source.heldLayers(manifest, options);
  }

  async openBlob(blob: Descriptor, { signal }: CallOptions): Promise<BlobStream> {
    const { digest } = blob;
    await this.#learn(blob, signal);
    refuse(this.#blockOf(digest));
    const stop = this.#blobs.get(digest) ?? new AbortController();
    this.#blobs.set(digest, stop);
    stop.signal.throwIfAborted();
    return await this.#source.openBlob(blob, { signal: AbortSignal.any([signal, stop.signal]) });
  }

  async readSignatures(manifest: Digest, options: CallOptions) {
    return await this.#source.readSignatures(manifest, options);
  }

  checkAgain(): void {
    for (const manifest of this.#manifests.values()) refuse(this.#blockOfManifest(manifest));
    for (const { signal } of this.#blobs.values()) signal.throwIfAborted();
    this.#source.checkAgain?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch();
    await this.#source[Symbol.asyncDispose]();
  }

  #look(): void {
    for (const [digest, stop] of this.#blobs) {
      const block = this.#blockOf(digest) ?? this.#blockOfAnyManifest();
      if (block && !stop.signal.aborted) stop.abort(refusal(block));
    }
  }

  #blockOfAnyManifest(): Block | undefined {
    for (const manifest of this.#manifests.values()) {
      const block = this.#blockOfManifest(manifest);
      if (block) return block;
    }
    return undefined;
  }

  #blockOfManifest(manifest: RawManifest): Block | undefined {
    const unsure = new Set<Digest>();
    const found = this.#blockOf(manifest.digest, unsure);
    if (found) return found;
    if (unsure.has(manifest.digest)) {
      this.#parts.blocks.learn(namesOfManifest(manifest));
      const own = this.#blockOf(manifest.digest);
      if (own) return own;
    }
    const inside = [...embeddedManifests(manifest)];
    return [...inside.flatMap(namesOfManifest), ...[manifest, ...inside].flatMap(namesOf)]
      .map((digest) => this.#parts.blocks.ofDigest(digest))
      .find(Boolean);
  }

  #blockOf(digest: Digest, unsure?: Set<Digest>): Block | undefined {
    const { blocks } = this.#parts;
    if (this.#repositories.length === 0) return blocks.find("", digest, unsure);
    return this.#repositories.map((name) => blocks.find(name, digest, unsure)).find(Boolean);
  }

  /** What goes by another digest than by sha256 is read once before, to know by which it may be blocked. */
  async #learn(blob: Descriptor, signal: AbortSignal): Promise<void> {
    const { digest } = blob;
    const unsure = new Set<Digest>();
    this.#blockOf(digest, unsure);
    if (algorithmOf(digest) === "sha256" || !unsure.has(digest) || !this.traits.reopens) return;
    await using stream = await this.#source.openBlob(blob, { signal });
    this.#parts.blocks.learn(await namesOfContent(stream));
  }
}
