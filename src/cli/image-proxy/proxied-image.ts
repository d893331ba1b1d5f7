import type { Gate } from "../../../policy/gate.ts";
import { admit } from "../../copy/admit.ts";
import { convertImage } from "../../core/conversion.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { formatImageConfig } from "../../core/image-config.ts";
import { parseImageManifest } from "../../core/image-manifest.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { inspectConfig, inspectImage } from "../../core/inspect-view.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType, isSchema1Type, mediaTypes } from "../../core/media-type.ts";
import { chooseInstance, type Platform } from "../../core/platform.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { CallOptions } from "../../transport/contract/call-options.ts";
import type { ImageSource } from "../../transport/contract/image-source.ts";
import type { ResolvedImage } from "../parts.ts";
import { badCall } from "./packets.ts";

const maxConfigBytes = 4 * 1024 * 1024;

/** A layer as clients are told of it; of schema 1 neither type nor size (−1) is known. */
export interface ProxiedLayer {
  readonly digest: string;
  readonly size: number;
  readonly media_type: string;
}

/** How an image is let in and looked at. */
export interface ProxiedImageOptions extends CallOptions {
  /** Reads the policy: that there is none is told of each image that is asked for. */
  readonly gate: () => Promise<Gate>;
  readonly platform: Platform;
}

/**
 * An image that the policy has let in.
 *
 * @throws {PolicyError} `policy.refused`
 */
export async function openProxiedImage(
  { transport, reference }: ResolvedImage,
  { gate, platform, signal }: ProxiedImageOptions,
): Promise<ProxiedImage> {
  const source = await transport.openSource(reference, { signal, expectSignatures: true });
  try {
    const policy = await gate();
    const top = await source.readManifest("top", { signal });
    await withoutPrefix(() => admit(source, policy, top, { carrySignatures: false, signal }));
    return new ProxiedImage(source, top, platform, signal);
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/** Here the policy's reason is told as it is: nothing is copied that there would be a source of. */
async function withoutPrefix(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof KnownError) || error.code !== "policy.refused") throw error;
    const reason = error.message.replace(/^Source image rejected: /, "");
    throw new KnownError(error.code, reason, { cause: error });
  }
}

/** One image of those that a client has open: of a list the one for the platform wanted. */
export class ProxiedImage implements AsyncDisposable {
  readonly #source: ImageSource;
  readonly #top: RawManifest;
  readonly #platform: Platform;
  readonly #call: CallOptions;
  #chosen: Promise<RawManifest> | undefined;
  #config: Promise<Uint8Array | undefined> | undefined;

  constructor(source: ImageSource, top: RawManifest, platform: Platform, signal: AbortSignal) {
    this.#source = source;
    this.#top = top;
    this.#platform = platform;
    this.#call = { signal };
  }

  /** The manifest as OCI's, and the digest of the image's own. @throws {KnownError} for schema 1 */
  async manifest(): Promise<{ readonly digest: Digest; readonly bytes: Uint8Array }> {
    const manifest = await this.#image();
    const { mediaType, digest } = manifest;
    if (isSchema1Type(mediaType)) {
      throw badCall(`unsupported legacy manifest MIME type: ${mediaType}`);
    }
    if (mediaType === mediaTypes.ociManifest) return { digest, bytes: manifest.bytes };
    const config = await this.#readConfig();
    const form = { manifest, ...(config && { config }) };
    const converted = convertImage(form, { mediaType: mediaTypes.ociManifest });
    return { digest, bytes: converted.manifest.bytes };
  }

  /** The config as far as OCI knows it, as JSON. */
  async fullConfig(): Promise<string> {
    return formatImageConfig(inspectConfig(await this.#image(), await this.#readConfig()));
  }

  /** The layers as the place gives them, base first. */
  async layers(): Promise<readonly ProxiedLayer[]> {
    const manifest = await this.#image();
    const held = await this.#source.heldLayers(manifest, this.#call);
    const layers = held ?? inspectImage(manifest, await this.#readConfig()).layers;
    return layers.map(({ digest, size, mediaType }) => ({ digest, size, media_type: mediaType }));
  }

  /** A blob of the image; the stream's descriptor tells its size. */
  async openBlob(text: string): Promise<BlobStream> {
    const digest = digestOf(text);
    const known = (await this.layers()).find((layer) => layer.digest === digest);
    const blob = { mediaType: known?.media_type ?? "", digest, size: known?.size ?? -1 };
    return await this.#source.openBlob(blob, this.#call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  #image(): Promise<RawManifest> {
    this.#chosen ??= this.#choose();
    return this.#chosen;
  }

  async #choose(): Promise<RawManifest> {
    if (!isIndexType(this.#top.mediaType)) return this.#top;
    const { digest } = chooseInstance(parseIndexManifest(this.#top), this.#platform);
    return await this.#source.readManifest(digest, this.#call);
  }

  #readConfig(): Promise<Uint8Array | undefined> {
    this.#config ??= this.#fetchConfig();
    return this.#config;
  }

  async #fetchConfig(): Promise<Uint8Array | undefined> {
    const manifest = await this.#image();
    if (isSchema1Type(manifest.mediaType)) return undefined;
    const { config } = parseImageManifest(manifest);
    await using blob = await this.#source.openBlob(config, this.#call);
    return await readBounded(blob, maxConfigBytes, config.digest);
  }
}

function digestOf(text: string): Digest {
  try {
    return parseDigest(text);
  } catch {
    throw badCall("invalid checksum digest format");
  }
}
