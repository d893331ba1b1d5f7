import type { Descriptor } from "./descriptor.ts";
import { digestOf } from "./digest.ts";
import type { DockerReference } from "./docker-reference.ts";
import { ContentError, CopyError } from "./errors.ts";
import type { GoValue } from "./go-struct.ts";
import { formatImageConfig, parseImageConfig } from "./image-config.ts";
import {
  artifactRefusal,
  isArtifact,
  parseImageManifest,
  readManifestAs,
} from "./image-manifest.ts";
import { changesLayers, editedMediaType, type LayerEdit } from "./layer-edits.ts";
import { manifestDigest, type RawManifest } from "./manifest.ts";
import {
  type DockerManifest,
  dockerManifestAsOci,
  editDocker,
  editOci,
  type OciManifest,
  ociManifestAsDocker,
} from "./manifest-forms.ts";
import { dockerManifest, ociManifest } from "./manifest-structs.ts";
import { isSchema1Type, mediaTypes } from "./media-type.ts";
import { parseSchema1, type Schema1Image, schema1Manifest } from "./schema1.ts";
import { configOfSchema1, emptyLayer, schema1OfConfig } from "./schema1-conversion.ts";
import { signSchema1 } from "./schema1-signature.ts";
import { encodeUtf8 } from "./utf8.ts";

/** An image as it was read. */
export interface ImageForm {
  readonly manifest: RawManifest;
  /** The bytes of its config. Needed for any conversion but OCI to schema 2; schema 1 has none. */
  readonly config?: Uint8Array;
}

/** What is to become of an image. What is left out stays as it is. */
export interface ImageChange {
  /** The type its manifest becomes. */
  readonly mediaType?: string;
  /** What its layers became, base first, one for each in the manifest (of schema 1: for each step). */
  readonly layers?: readonly LayerEdit[];
  /** Where it goes: schema 1 has its name and tag inside. */
  readonly reference?: DockerReference;
  /** What a schema 1 signature says for its time, RFC 3339. */
  readonly signedAt?: string;
}

/** A blob that exists only because an image was converted. */
export interface MadeBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** An image as it is to be written. */
export interface ConvertedImage {
  readonly manifest: RawManifest;
  /** A config that was made; absent where the source's own is kept, or there is none. */
  readonly config?: MadeBlob;
  /** The empty layer, where schema 1 needs one. */
  readonly emptyLayer?: MadeBlob;
}

/**
 * An image with other layers, or of another type, byte for byte as skopeo would write it. Where nothing changes the
 * manifest keeps its very bytes.
 *
 * @throws {CopyError} `copy.unsupported` for what the other type cannot express
 * @throws {ContentError} `content.bad-manifest`, `content.bad-config`
 */
export function convertImage(image: ImageForm, change: ImageChange): ConvertedImage {
  const { mediaType } = image.manifest;
  const target = change.mediaType ?? mediaType;
  if (isSchema1Type(mediaType)) return fromSchema1(image, change, target);
  if (mediaType === mediaTypes.ociManifest) return fromOci(image, change, target);
  if (mediaType === mediaTypes.dockerManifest) return fromDocker(image, change, target);
  throw unsupported(`Unsupported conversion type: ${mediaType}`);
}

function fromOci(image: ImageForm, change: ImageChange, target: string): ConvertedImage {
  const parsed = parseImageManifest(image.manifest);
  const edits = effectiveEdits(parsed.layers, change.layers);
  if (target === mediaTypes.ociManifest && edits === undefined) return { manifest: image.manifest };
  const manifest = editOci(readManifestAs(ociManifest, image.manifest), edits);
  if (target === mediaTypes.ociManifest) return { manifest: writeOci(manifest) };
  if (isArtifact(parsed)) throw unsupported(artifactRefusal(parsed));
  const docker = ociManifestAsDocker(manifest);
  if (target === mediaTypes.dockerManifest) return { manifest: writeDocker(docker) };
  return dockerToSchema1(docker, parsed.layers, image, change, target);
}

function fromDocker(image: ImageForm, change: ImageChange, target: string): ConvertedImage {
  const { layers } = parseImageManifest(image.manifest);
  const edits = effectiveEdits(layers, change.layers);
  const manifest = readManifestAs(dockerManifest, image.manifest);
  if (target === mediaTypes.ociManifest) return dockerToOci(manifest, configOf(image), edits);
  if (target === mediaTypes.dockerManifest) {
    if (edits === undefined) return { manifest: image.manifest };
    return { manifest: writeDocker(editDocker(manifest, edits)) };
  }
  return dockerToSchema1(editDocker(manifest, edits), layers, image, change, target);
}

function fromSchema1({ manifest }: ImageForm, change: ImageChange, target: string): ConvertedImage {
  const image = parseSchema1(manifest);
  if (isSchema1Type(target)) return { manifest: updateSchema1(manifest, image, change) };
  const edits = change.layers ?? [];
  const changed = changesLayers(image.layers, edits);
  const kept = image.steps.flatMap((step, index) => {
    const edit = edits[index];
    return step.throwaway || edit === undefined ? [] : [{ digest: step.layer.digest, edit }];
  });
  const diffIds = kept.map(({ edit }) => edit.diffId ?? "");
  const config = configOfSchema1(image, diffIds);
  const docker = dockerManifestOf(
    config,
    kept.map(({ digest, edit }) => ({ digest, size: edit.size })),
  );
  const keptEdits = changed ? kept.map(({ edit }) => edit) : undefined;
  if (target === mediaTypes.ociManifest) return dockerToOci(docker, config, keptEdits);
  return {
    manifest: writeDocker(editDocker(docker, keptEdits)),
    config: madeBlob(mediaTypes.dockerConfig, config),
  };
}

/** The manifest of a config and layers of which schema 1 says no more than their digests. */
function dockerManifestOf(
  config: Uint8Array,
  layers: readonly { readonly digest: string; readonly size: number }[],
): DockerManifest {
  const descriptor = (mediaType: string, digest: string, size: number) => {
    return { mediaType, size: BigInt(size), digest, urls: null };
  };
  return {
    schemaVersion: 2n,
    mediaType: mediaTypes.dockerManifest,
    config: descriptor(mediaTypes.dockerConfig, digestOf(config), config.length),
    layers: nullIfEmpty(
      layers.map(({ digest, size }) => descriptor(mediaTypes.dockerLayerGzip, digest, size)),
    ),
  };
}

/** Go's list that nothing was added to. */
function nullIfEmpty<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

/** Layers are edited only where at least one has other bytes: so it is in skopeo, and the manifest keeps its digest. */
function effectiveEdits(
  layers: readonly Descriptor[],
  edits: readonly LayerEdit[] | undefined,
): readonly LayerEdit[] | undefined {
  return edits !== undefined && changesLayers(layers, edits) ? edits : undefined;
}

/** What is known to Docker only is lost from the config: its digest changes. */
function dockerToOci(
  manifest: DockerManifest,
  dockerConfig: Uint8Array,
  edits: readonly LayerEdit[] | undefined,
): ConvertedImage {
  const config = encodeUtf8(formatImageConfig(parseImageConfig(dockerConfig)));
  const converted = dockerManifestAsOci(manifest, config);
  return {
    manifest: writeOci(editOci(converted, edits)),
    config: madeBlob(mediaTypes.ociConfig, config),
  };
}

function dockerToSchema1(
  edited: DockerManifest,
  original: readonly Descriptor[],
  image: ImageForm,
  change: ImageChange,
  target: string,
): ConvertedImage {
  if (!isSchema1Type(target)) throw unsupported(`Unsupported conversion type: ${target}`);
  const named = { name: change.reference?.path ?? "", tag: change.reference?.tag ?? "" };
  const digests = original.map(({ digest }) => digest);
  const parts = schema1OfConfig(configOf(image), digests, named);
  const blobs = parts.layerPositions.map((position) =>
    position === undefined ? emptyLayer.digest : (edited.layers?.[position]?.digest ?? ""),
  );
  const fsLayers = blobs.map((blobSum) => ({ blobSum })).reverse();
  const needsEmpty = parts.layerPositions.includes(undefined);
  return {
    manifest: writeSchema1({ ...parts.manifest, fsLayers }, change),
    ...(needsEmpty && { emptyLayer: madeBlob(mediaTypes.dockerLayerGzip, emptyLayer.bytes) }),
  };
}

/** Schema 1 with other layers, or another name in it. */
function updateSchema1(raw: RawManifest, image: Schema1Image, change: ImageChange): RawManifest {
  const edits = effectiveEdits(image.layers, change.layers);
  for (const [index, edit] of (edits ?? []).entries()) {
    editedMediaType(image.layers[index]?.mediaType ?? "", edit);
  }
  const { path = image.name, tag = "" } = change.reference ?? {};
  const named = { name: path, tag: change.reference ? tag : image.tag };
  const renamed = named.name !== image.name || named.tag !== image.tag;
  const signed = raw.mediaType === mediaTypes.schema1Signed;
  const becomesSigned = !signed && change.mediaType === mediaTypes.schema1Signed;
  if (edits === undefined && !renamed && !becomesSigned) return raw;
  const digests = (edits ?? image.layers).map(({ digest }) => digest);
  const manifest = {
    ...named,
    architecture: image.architecture,
    fsLayers: digests.map((blobSum) => ({ blobSum })).reverse(),
    history: image.steps.map(({ json }) => ({ v1Compatibility: json })).reverse(),
    schemaVersion: 1n,
  };
  return writeSchema1(manifest, change);
}

function writeOci(manifest: OciManifest): RawManifest {
  return rawOf(mediaTypes.ociManifest, encodeUtf8(ociManifest.write(manifest)));
}

function writeDocker(manifest: DockerManifest): RawManifest {
  return rawOf(mediaTypes.dockerManifest, encodeUtf8(dockerManifest.write(manifest)));
}

/** Always signed: registries refuse schema 1 without a signature, whatever its type. */
function writeSchema1(
  manifest: GoValue<typeof schema1Manifest>,
  { signedAt = "1970-01-01T00:00:00Z" }: ImageChange,
): RawManifest {
  return rawOf(mediaTypes.schema1Signed, signSchema1(schema1Manifest.write(manifest), signedAt));
}

function rawOf(mediaType: string, bytes: Uint8Array): RawManifest {
  return { mediaType, digest: manifestDigest(bytes), bytes };
}

function madeBlob(mediaType: string, bytes: Uint8Array): MadeBlob {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

function configOf({ config }: ImageForm): Uint8Array {
  if (config !== undefined) return config;
  throw new ContentError("content.bad-config", "image has no config to convert");
}

function unsupported(message: string): CopyError {
  return new CopyError("copy.unsupported", message);
}
