import type { Descriptor } from "./descriptor.ts";
import { ContentError } from "./errors.ts";
import { type GoType, readAs } from "./go-type.ts";
import { parseJsonText } from "./json-text.ts";
import type { RawManifest } from "./manifest.ts";
import { dockerManifest, ociManifest } from "./manifest-structs.ts";
import { mediaTypes } from "./media-type.ts";
import { parseDescriptor, toRecord } from "./parse-descriptor.ts";
import { decodeUtf8 } from "./utf8.ts";

/** One image, or an OCI artifact: a config and its layers, base first. */
export interface ImageManifest {
  /** OCI's or Docker schema 2's; never schema 1's, which has no descriptors. */
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  /** The manifest that this one is about: a signature's image, an SBOM's. */
  readonly subject?: Descriptor;
}

/** Of the types that containers/image takes for members of schema 2. */
const dockerTypes: ReadonlySet<string> = new Set([
  mediaTypes.dockerList,
  mediaTypes.schema1,
  mediaTypes.schema1Signed,
  mediaTypes.dockerConfig,
  mediaTypes.dockerForeignLayer,
  mediaTypes.dockerForeignLayerGzip,
  mediaTypes.dockerLayerGzip,
  mediaTypes.dockerManifest,
  mediaTypes.dockerLayer,
  mediaTypes.dockerLayerZstd,
]);

/**
 * Reads an OCI or Docker schema 2 manifest.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function parseImageManifest(raw: RawManifest): ImageManifest {
  if (raw.mediaType === mediaTypes.dockerManifest) return parseDocker(raw);
  if (raw.mediaType === mediaTypes.ociManifest) return parseOci(raw);
  throw bad(`${raw.mediaType} is not the type of an image manifest`);
}

/** True of what is stored like an image but is none: its layers are not filesystems, its config is not an image's. */
export function isArtifact(manifest: ImageManifest): boolean {
  return (
    manifest.mediaType === mediaTypes.ociManifest &&
    manifest.config.mediaType !== mediaTypes.ociConfig
  );
}

/** Why nothing can be asked of an artifact that only an image answers, in skopeo's words. */
export function artifactRefusal(manifest: ImageManifest): string {
  const type = manifest.artifactType ?? manifest.config.mediaType;
  return type === mediaTypes.dockerConfig
    ? `invalid mixed OCI image with Docker v2s2 config ("${type}")`
    : `unsupported image-specific operation on artifact with type ${JSON.stringify(type)}`;
}

/** The document of a manifest as the Go tools hold it. @throws {ContentError} `content.bad-manifest` */
export function readManifestAs<T>(type: GoType<T>, { bytes }: RawManifest): T {
  try {
    const document = parseJsonText(decodeUtf8(bytes), { maxDepth: 1000 });
    return readAs(type, document, "content.bad-manifest");
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw bad(error.message);
  }
}

function parseOci(raw: RawManifest): ImageManifest {
  const { config, layers, annotations, artifactType, subject } = readManifestAs(ociManifest, raw);
  return {
    mediaType: raw.mediaType,
    config: parseDescriptor(config, "config"),
    layers: (layers ?? []).map((layer, index) => parseDescriptor(layer, `layer ${index}`)),
    ...(annotations && annotations.size > 0 && { annotations: toRecord(annotations) }),
    ...(artifactType !== "" && { artifactType }),
    ...(subject && { subject: parseDescriptor(subject, "subject") }),
  };
}

function parseDocker(raw: RawManifest): ImageManifest {
  const { mediaType, config, layers } = readManifestAs(dockerManifest, raw);
  for (const type of [mediaType, ...(layers ?? []).map((layer) => layer.mediaType)]) {
    if (!dockerTypes.has(type)) {
      throw bad(`unsupported docker v2s2 media type: ${JSON.stringify(type)}`);
    }
  }
  return {
    mediaType: raw.mediaType,
    config: parseDescriptor(config, "config"),
    layers: (layers ?? []).map((layer, index) => parseDescriptor(layer, `layer ${index}`)),
  };
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", message);
}
