import { posix } from "node:path";
import { dockerImage } from "../core/config-structs.ts";
import { type Digest, digestOf, parseDigest } from "../core/digest.ts";
import { ContentError } from "../core/errors.ts";
import { goQuote } from "../core/go-quote.ts";
import { readConfigAs } from "../core/image-config.ts";
import { dockerManifest } from "../core/manifest-structs.ts";
import { mediaTypes } from "../core/media-type.ts";
import { decodeUtf8 } from "../core/utf8.ts";
import { invalid } from "./errors.ts";
import type { ManifestItem } from "./manifest-file.ts";

/** A layer of an image: the file that it is in, and what that must unpack to. */
export interface ItemLayer {
  /** Clean, as the archive's files are found by. */
  readonly path: string;
  readonly diffId: Digest;
}

/**
 * The layers that an item's config has, base first, each with its file.
 *
 * @throws {DockerTarError} `docker-tar.invalid` where the two do not agree
 */
export function layersOfItem(item: ManifestItem, config: Uint8Array): readonly ItemLayer[] {
  const diffIds = diffIdsOf(item, config);
  if (item.layers.length !== diffIds.length) {
    throw invalid(
      `Inconsistent layer count: ${item.layers.length} in manifest, ${diffIds.length} in config`,
    );
  }
  const byDiffId = new Map<Digest, string>();
  const layers = diffIds.map((diffId, index) => {
    // Of equal layers any file will do: docker save links the later ones to the first.
    const path = byDiffId.get(diffId) ?? posix.normalize(item.layers[index] ?? "");
    byDiffId.set(diffId, path);
    return { path, diffId };
  });
  refuseSharedFiles(byDiffId);
  return layers;
}

function diffIdsOf(item: ManifestItem, config: Uint8Array): readonly Digest[] {
  const name = goQuote(item.config);
  try {
    const { rootfs } = readConfigAs(dockerImage, decodeUtf8(config));
    if (!rootfs) throw invalid(`Invalid image config (rootFS is not set): ${name}`);
    return (rootfs.diff_ids ?? []).map((text) => parseDigest(text));
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw invalid(`decoding tar config ${name}: ${error.message}`, error);
  }
}

function refuseSharedFiles(byDiffId: ReadonlyMap<Digest, string>): void {
  const seen = new Set<string>();
  for (const path of byDiffId.values()) {
    if (seen.has(path)) {
      throw invalid(`Layer tarfile ${goQuote(path)} used for two different DiffID values`);
    }
    seen.add(path);
  }
}

/** The schema 2 manifest that an image of an archive has, byte for byte as containers/image makes it. */
export function manifestOfItem(
  config: Uint8Array,
  layers: readonly { readonly diffId: Digest; readonly size: number }[],
): Uint8Array {
  const descriptor = (mediaType: string, digest: Digest, size: number) => {
    return { mediaType, size: BigInt(size), digest, urls: null };
  };
  const text = dockerManifest.write({
    schemaVersion: 2n,
    mediaType: mediaTypes.dockerManifest,
    config: descriptor(mediaTypes.dockerConfig, digestOf(config), config.byteLength),
    // Their type says gzip, whatever they are.
    layers: layers.map(({ diffId, size }) => descriptor(mediaTypes.dockerLayerGzip, diffId, size)),
  });
  return Buffer.from(text);
}
