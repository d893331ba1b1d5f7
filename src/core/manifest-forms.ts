import { digestOf } from "./digest.ts";
import { CopyError } from "./errors.ts";
import type { GoValue } from "./go-struct.ts";
import { editedMediaType, type LayerEdit } from "./layer-edits.ts";
import { type dockerManifest, ociDescriptor, ociManifest } from "./manifest-structs.ts";
import { mediaTypes } from "./media-type.ts";

/** An OCI manifest as the Go tools hold it. */
export type OciManifest = GoValue<typeof ociManifest>;
/** A Docker schema 2 manifest as the Go tools hold it. */
export type DockerManifest = GoValue<typeof dockerManifest>;

/**
 * The manifest with its layers as they became. What was said of bytes that are no more is left out.
 *
 * @throws {CopyError} `copy.unsupported`
 */
export function editOci(
  manifest: OciManifest,
  edits: readonly LayerEdit[] | undefined,
): OciManifest {
  if (edits === undefined) return manifest;
  const layers = (manifest.layers ?? []).map((layer, index) => {
    const edit = edits[index] as LayerEdit;
    const unchanged = edit.digest === layer.digest && !edit.restated;
    const added = Object.entries(edit.annotations ?? {});
    return {
      ...ociDescriptor.zero,
      mediaType: editedMediaType(layer.mediaType, edit),
      digest: edit.digest,
      size: BigInt(edit.size),
      urls: edit.foreign ? layer.urls : null,
      annotations: new Map([...((unchanged && layer.annotations) || []), ...added]),
    };
  });
  return { ...manifest, layers };
}

/** As {@link editOci}. @throws {CopyError} `copy.unsupported` */
export function editDocker(
  manifest: DockerManifest,
  edits: readonly LayerEdit[] | undefined,
): DockerManifest {
  if (edits === undefined) return manifest;
  const layers = (manifest.layers ?? []).map((layer, index) => {
    const edit = edits[index] as LayerEdit;
    return {
      mediaType: editedMediaType(layer.mediaType, edit),
      size: BigInt(edit.size),
      digest: edit.digest,
      urls: edit.foreign ? layer.urls : null,
    };
  });
  return { ...manifest, layers };
}

const ociOfDocker: ReadonlyMap<string, string> = new Map([
  [mediaTypes.dockerForeignLayer, mediaTypes.ociForeignLayer],
  [mediaTypes.dockerForeignLayerGzip, mediaTypes.ociForeignLayerGzip],
  [mediaTypes.dockerLayer, mediaTypes.ociLayer],
  [mediaTypes.dockerLayerGzip, mediaTypes.ociLayerGzip],
  [mediaTypes.dockerLayerZstd, mediaTypes.ociLayerZstd],
]);
/** Docker's own tools know no zstd layers, though some write them. */
const dockerOfOci: ReadonlyMap<string, string> = new Map(
  Array.from(ociOfDocker, ([docker, oci]) => [oci, docker] as const).filter(
    ([oci]) => oci !== mediaTypes.ociLayerZstd,
  ),
);

/**
 * The manifest as OCI's, with the config that goes with it.
 *
 * @throws {CopyError} `copy.unsupported` for layers of types that OCI does not know
 */
export function dockerManifestAsOci(manifest: DockerManifest, config: Uint8Array): OciManifest {
  return {
    ...ociManifest.zero,
    schemaVersion: 2n,
    mediaType: mediaTypes.ociManifest,
    config: {
      ...ociDescriptor.zero,
      mediaType: mediaTypes.ociConfig,
      digest: digestOf(config),
      size: BigInt(config.length),
    },
    layers: (manifest.layers ?? []).map((layer) => ({
      ...ociDescriptor.zero,
      ...layer,
      mediaType: ociOfDocker.get(layer.mediaType) ?? refuseType(layer.mediaType),
    })),
  };
}

/**
 * The manifest as Docker's. Annotations are lost; the config keeps its bytes.
 *
 * @throws {CopyError} `copy.unsupported` for layers of types that Docker does not know
 */
export function ociManifestAsDocker(manifest: OciManifest): DockerManifest {
  return {
    schemaVersion: 2n,
    mediaType: mediaTypes.dockerManifest,
    config: { ...manifest.config, mediaType: mediaTypes.dockerConfig },
    layers: (manifest.layers ?? []).map((layer) => ({
      ...layer,
      mediaType: dockerOfOci.get(layer.mediaType) ?? refuseType(layer.mediaType),
    })),
  };
}

function refuseType(mediaType: string): never {
  const type = JSON.stringify(mediaType);
  if (mediaType === mediaTypes.ociLayerZstd || mediaType === mediaTypes.ociForeignLayerZstd) {
    const how = mediaType === mediaTypes.ociLayerZstd ? "officially supported" : "supported";
    throw unsupported(
      `Error during manifest conversion: ${type}: zstd compression is not ${how} for docker images`,
    );
  }
  if (mediaType.endsWith("+encrypted")) {
    throw unsupported(
      `during manifest conversion: encrypted layers (${type}) are not supported in docker images`,
    );
  }
  throw unsupported(`Unknown media type during manifest conversion: ${type}`);
}

function unsupported(message: string): CopyError {
  return new CopyError("copy.unsupported", message);
}
