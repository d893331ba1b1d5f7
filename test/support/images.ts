import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { type Digest, type DigestAlgorithm, digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import type { Platform } from "../../src/core/platform.ts";
import { randomBytesOf } from "./random.ts";
import type { SeedImage } from "./registry.ts";
import { tarOf } from "./tar.ts";

export type LayerCompression = "gzip" | "zstd" | "none";

export interface ImageRecipe {
  /** Same recipe, same bytes. Default 1. */
  readonly seed?: number;
  readonly type?: "docker" | "oci";
  /** Default 3. */
  readonly layers?: number;
  /** Bytes of each layer's file, before compression. Default 2000. */
  readonly layerBytes?: number;
  readonly compression?: LayerCompression;
  readonly platform?: Platform;
  /** Of the digests of layers and config. */
  readonly algorithm?: DigestAlgorithm;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** When it was made, in its config. */
  readonly created?: string;
  /** Leave `mediaType` out of an OCI manifest. */
  readonly omitMediaType?: boolean;
}

/** An image, index or artifact with all its parts, ready to be seeded or written to a folder. */
export interface TestImage extends SeedImage {
  readonly mediaType: string;
  /** The top manifest. */
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Of the top manifest, as it would stand in an index. */
  readonly descriptor: Descriptor;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

export interface TestLayer {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly diffId: Digest;
}

const layerTypes = {
  docker: {
    none: mediaTypes.dockerLayer,
    gzip: mediaTypes.dockerLayerGzip,
    zstd: mediaTypes.ociLayerZstd,
  },
  oci: {
    none: mediaTypes.ociLayer,
    gzip: mediaTypes.ociLayerGzip,
    zstd: mediaTypes.ociLayerZstd,
  },
} as const;

/** One layer: a tar with one file that depends on the seed. */
export function makeLayer(
  seed: number,
  size: number,
  options: Pick<ImageRecipe, "type" | "compression" | "algorithm"> = {},
): TestLayer {
  const { type = "docker", compression = "gzip", algorithm = "sha256" } = options;
  const tar = tarOf([{ name: `file-${seed}`, bytes: randomBytesOf(seed, size) }]);
  const bytes = compress(tar, compression);
  return {
    bytes,
    diffId: digestOf(tar),
    descriptor: {
      mediaType: layerTypes[type][compression],
      size: bytes.length,
      digest: digestOf(bytes, algorithm),
    },
  };
}

function compress(tar: Buffer, compression: LayerCompression): Buffer {
  if (compression === "gzip") return gzipSync(tar);
  return compression === "zstd" ? zstdCompressSync(tar) : tar;
}

/** An image of schema 2 or OCI with its config and layers. */
export function makeImage(recipe: ImageRecipe = {}): TestImage {
  const { seed = 1, type = "docker", layers = 3, layerBytes = 2000, algorithm } = recipe;
  const made = Array.from({ length: layers }, (_, index) =>
    makeLayer(seed * 1000 + index, layerBytes, { ...recipe, type }),
  );
  const config = configBytes(
    recipe,
    made.map((layer) => layer.diffId),
  );
  const configDescriptor = {
    mediaType: type === "docker" ? mediaTypes.dockerConfig : mediaTypes.ociConfig,
    size: config.length,
    digest: digestOf(config, algorithm),
  };
  const mediaType = type === "docker" ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const bytes = jsonBytes({
    schemaVersion: 2,
    ...(!recipe.omitMediaType && { mediaType }),
    config: configDescriptor,
    layers: made.map((layer) => layer.descriptor),
    ...(recipe.annotations && { annotations: recipe.annotations }),
  });
  const blobs = new Map<string, Uint8Array>(
    made.map((layer) => [layer.descriptor.digest, layer.bytes]),
  );
  blobs.set(configDescriptor.digest, config);
  return {
    ...topOf(mediaType, bytes, recipe.platform),
    config: configDescriptor,
    layers: made.map((layer) => layer.descriptor),
    blobs,
    manifests: [{ mediaType, bytes }],
  };
}

function configBytes(recipe: ImageRecipe, diffIds: readonly Digest[]): Buffer {
  const { seed = 1, platform = { os: "linux", architecture: "amd64" } } = recipe;
  return jsonBytes({
    created: recipe.created ?? "2024-01-02T03:04:05.678901234Z",
    author: "Amphora tests",
    architecture: platform.architecture,
    ...(platform.variant && { variant: platform.variant }),
    os: platform.os,
    config: {
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", `SEED=${seed}`],
      Cmd: ["/bin/true"],
      ...(recipe.labels && { Labels: recipe.labels }),
    },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map((_, index) => ({
      created: `2024-01-02T03:04:0${index % 10}Z`,
      created_by: `/bin/sh -c #(nop) ADD file-${index}`,
    })),
  });
}

export interface IndexRecipe {
  readonly type?: "docker" | "oci";
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index over images; what they share is held once. */
export function makeIndex(images: readonly TestImage[], recipe: IndexRecipe = {}): TestImage {
  const mediaType = recipe.type === "oci" ? mediaTypes.ociIndex : mediaTypes.dockerList;
  const bytes = jsonBytes({
    schemaVersion: 2,
    mediaType,
    manifests: images.map((image) => image.descriptor),
    ...(recipe.annotations && { annotations: recipe.annotations }),
  });
  return {
    ...topOf(mediaType, bytes),
    layers: [],
    blobs: new Map(images.flatMap((image) => [...image.blobs])),
    manifests: [...images.flatMap((image) => image.manifests), { mediaType, bytes }],
  };
}

/** The same image for three platforms, in an index; they share their base layer. */
export function makeMultiArch(recipe: ImageRecipe = {}): TestImage {
  const platforms: readonly Platform[] = [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64", variant: "v8" },
    { os: "linux", architecture: "s390x" },
  ];
  const { seed = 1, type = "docker" } = recipe;
  const images = platforms.map((platform, index) =>
    makeImage({ layers: 1, ...recipe, seed: seed * 10 + index, platform }),
  );
  return makeIndex(images, { type });
}

/** An OCI artifact: empty config, one blob of any type, maybe a subject. */
export function makeArtifact(
  artifactType: string,
  content: Uint8Array,
  subject?: Descriptor,
): TestImage {
  const config = Buffer.from("{}");
  const configDescriptor = {
    mediaType: mediaTypes.ociEmpty,
    size: 2,
    digest: digestOf(config),
  };
  const layer = {
    mediaType: "application/octet-stream",
    size: content.byteLength,
    digest: digestOf(content),
  };
  const bytes = jsonBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType,
    config: configDescriptor,
    layers: [layer],
    ...(subject && {
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    }),
  });
  return {
    ...topOf(mediaTypes.ociManifest, bytes),
    config: configDescriptor,
    layers: [layer],
    blobs: new Map<string, Uint8Array>([
      [configDescriptor.digest, config],
      [layer.digest, content],
    ]),
    manifests: [{ mediaType: mediaTypes.ociManifest, bytes }],
  };
}

function topOf(mediaType: string, bytes: Buffer, platform?: Platform) {
  const digest = digestOf(bytes);
  const descriptor: Descriptor = {
    mediaType,
    size: bytes.length,
    digest,
    ...(platform && { platform }),
  };
  return { mediaType, bytes, digest, descriptor };
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value, null, 3));
}
