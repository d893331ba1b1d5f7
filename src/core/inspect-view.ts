import { dockerImage, dockerV1Image, ociImage } from "./config-structs.ts";
import { ContentError } from "./errors.ts";
import { type OciImageConfig, parseImageConfig, readConfigAs } from "./image-config.ts";
import {
  artifactRefusal,
  isArtifact,
  parseImageManifest,
  readManifestAs,
} from "./image-manifest.ts";
import type { RawManifest } from "./manifest.ts";
import { dockerManifest, ociManifest } from "./manifest-structs.ts";
import { isSchema1Type, mediaTypes } from "./media-type.ts";
import { parseSchema1 } from "./schema1.ts";
import { configOfSchema1 } from "./schema1-conversion.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** A layer as `inspect` shows it. */
export interface InspectedLayer {
  /** Empty for schema 1, which has no media types. */
  readonly mediaType: string;
  readonly digest: string;
  /** −1 for schema 1, which has no sizes. */
  readonly size: number;
  readonly annotations: ReadonlyMap<string, string> | null;
}

/** What `inspect` shows of one image. Null where Go would print null: said nowhere. */
export interface InspectView {
  /** Named by schema 1 only; otherwise empty. */
  readonly tag: string;
  /** RFC 3339, as Go writes times; Docker images without one have Go's zero time. */
  readonly created: string | null;
  readonly dockerVersion: string;
  readonly labels: ReadonlyMap<string, string> | null;
  readonly architecture: string;
  readonly os: string;
  readonly layers: readonly InspectedLayer[];
  readonly env: readonly string[] | null;
}

/**
 * What `skopeo inspect` shows of an image.
 *
 * @param config its config's bytes; schema 1 has none
 * @throws {ContentError} `content.bad-manifest`, also for artifacts; `content.bad-config`
 */
export function inspectImage(manifest: RawManifest, config: Uint8Array | undefined): InspectView {
  if (isSchema1Type(manifest.mediaType)) return inspectSchema1(manifest);
  refuseArtifact(manifest);
  const json = decodeUtf8(required(config));
  return manifest.mediaType === mediaTypes.ociManifest
    ? inspectOci(manifest, json)
    : inspectDocker(manifest, json);
}

/**
 * What `skopeo inspect --config` shows of an image: its config, as far as OCI knows it.
 *
 * @throws {ContentError} `content.bad-manifest`, also for artifacts; `content.bad-config`
 */
export function inspectConfig(
  manifest: RawManifest,
  config: Uint8Array | undefined,
): OciImageConfig {
  if (!isSchema1Type(manifest.mediaType)) {
    refuseArtifact(manifest);
    return parseImageConfig(required(config));
  }
  const image = parseSchema1(manifest);
  const layers = image.steps.filter(({ throwaway }) => !throwaway);
  // What the layers unpack to is not known without reading them.
  return parseImageConfig(
    configOfSchema1(
      image,
      layers.map(() => ""),
    ),
  );
}

/**
 * The exact bytes that `skopeo inspect --config --raw` shows. Schema 1 has none.
 */
export function inspectRawConfig(
  manifest: RawManifest,
  config: Uint8Array | undefined,
): Uint8Array {
  return isSchema1Type(manifest.mediaType) ? encodeUtf8("") : required(config);
}

function inspectOci(manifest: RawManifest, json: string): InspectView {
  const image = readConfigAs(ociImage, json);
  const { docker_version } = readConfigAs(dockerV1Image, json);
  return {
    tag: "",
    created: image.created,
    dockerVersion: docker_version,
    labels: image.config.Labels,
    architecture: image.architecture,
    os: image.os,
    layers: (readManifestAs(ociManifest, manifest).layers ?? []).map((layer) => ({
      mediaType: layer.mediaType,
      digest: layer.digest,
      size: Number(layer.size),
      annotations: layer.annotations,
    })),
    env: image.config.Env,
  };
}

function inspectDocker(manifest: RawManifest, json: string): InspectView {
  const image = readConfigAs(dockerImage, json);
  return {
    tag: "",
    created: image.created,
    dockerVersion: image.docker_version,
    labels: image.config?.Labels ?? null,
    architecture: image.architecture,
    os: image.os,
    layers: (readManifestAs(dockerManifest, manifest).layers ?? []).map((layer) => ({
      mediaType: layer.mediaType,
      digest: layer.digest,
      size: Number(layer.size),
      annotations: null,
    })),
    env: image.config?.Env ?? null,
  };
}

function inspectSchema1(manifest: RawManifest): InspectView {
  const { tag, steps, layers } = parseSchema1(manifest);
  const image = readConfigAs(dockerV1Image, steps.at(-1)?.json ?? "");
  return {
    tag,
    created: image.created,
    dockerVersion: image.docker_version,
    labels: image.config?.Labels ?? null,
    architecture: image.architecture,
    os: image.os,
    layers: layers.map(({ digest }) => ({ mediaType: "", digest, size: -1, annotations: null })),
    env: image.config?.Env ?? null,
  };
}

/**
 * Refuses what is no image, which is known before its config is read.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function refuseArtifact(manifest: RawManifest): void {
  if (isSchema1Type(manifest.mediaType)) return;
  const parsed = parseImageManifest(manifest);
  if (isArtifact(parsed)) throw new ContentError("content.bad-manifest", artifactRefusal(parsed));
}

function required(config: Uint8Array | undefined): Uint8Array {
  if (config !== undefined) return config;
  throw new ContentError("content.bad-config", "image has no config");
}
