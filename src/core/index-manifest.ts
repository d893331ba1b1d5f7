import type { Descriptor } from "./descriptor.ts";
import { type Digest, digestOf } from "./digest.ts";
import { ContentError } from "./errors.ts";
import type { GoValue } from "./go-struct.ts";
import { readManifestAs } from "./image-manifest.ts";
import type { RawManifest } from "./manifest.ts";
import { dockerList, ociIndex } from "./manifest-structs.ts";
import { mediaTypes } from "./media-type.ts";
import { parseDescriptor, toRecord } from "./parse-descriptor.ts";
import { encodeUtf8 } from "./utf8.ts";

/** A list of images, in the order in which they are preferred where the platform leaves a choice. */
export interface IndexManifest {
  /** OCI's or Docker's. */
  readonly mediaType: string;
  readonly instances: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
}

/**
 * Reads an OCI index or Docker list.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function parseIndexManifest(raw: RawManifest): IndexManifest {
  const { mediaType } = raw;
  if (mediaType === mediaTypes.dockerList) {
    return { mediaType, instances: toInstances(readManifestAs(dockerList, raw).manifests) };
  }
  if (mediaType !== mediaTypes.ociIndex) {
    throw new ContentError(
      "content.bad-manifest",
      `${mediaType} is not the type of an index of images`,
    );
  }
  const { manifests, annotations, artifactType, subject } = readManifestAs(ociIndex, raw);
  return {
    mediaType,
    instances: toInstances(manifests),
    ...(annotations && annotations.size > 0 && { annotations: toRecord(annotations) }),
    ...(artifactType !== "" && { artifactType }),
    ...(subject && { subject: parseDescriptor(subject, "subject") }),
  };
}

/** What an instance became on its way. */
export interface InstanceUpdate {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  /** Whether it holds layers compressed with zstd, which an OCI index tells so that clients can choose. */
  readonly zstd?: boolean;
}

/** How an index is changed. What is left out stays as it is. */
export interface IndexChange {
  /** The type it becomes. */
  readonly mediaType?: string;
  /** Which instances stay. */
  readonly keep?: (instance: Descriptor, position: number) => boolean;
  /** By the digest that the instance had. */
  readonly updates?: ReadonlyMap<Digest, InstanceUpdate>;
  /** What Docker's list says of an instance of no platform. By default `linux/amd64`. */
  readonly hostPlatform?: { readonly os: string; readonly architecture: string };
}

/** Marks an instance with zstd layers (containers/image, OCI1InstanceAnnotationCompressionZSTD). */
export const zstdAnnotation = "io.github.containers.compression.zstd";

/**
 * An index with some of its instances, other digests, or of the other type, written as skopeo writes it. Where nothing
 * changes it keeps its very bytes.
 *
 * @throws {ContentError} `content.bad-manifest`
 */
export function rebuildIndex(raw: RawManifest, change: IndexChange): RawManifest {
  const { instances } = parseIndexManifest(raw);
  const positions = new Set(
    instances.keys().filter((position) => {
      const instance = instances[position];
      return instance !== undefined && (change.keep?.(instance, position) ?? true);
    }),
  );
  const target = change.mediaType ?? raw.mediaType;
  const docker = raw.mediaType === mediaTypes.dockerList;
  const [before, after] = docker
    ? rebuildList(readManifestAs(dockerList, raw), positions, change, target)
    : rebuildOciIndex(readManifestAs(ociIndex, raw), positions, change, target);
  if (after === before) return raw;
  const bytes = encodeUtf8(after);
  return { mediaType: target, digest: digestOf(bytes), bytes };
}

type DockerList = GoValue<typeof dockerList>;
type OciIndex = GoValue<typeof ociIndex>;

/** The list as it would be written unchanged, and changed. */
function rebuildList(
  list: DockerList,
  positions: ReadonlySet<number>,
  { updates }: IndexChange,
  target: string,
): [before: string, after: string] {
  const manifests = (list.manifests ?? [])
    .filter((_, position) => positions.has(position))
    .map((entry) => ({ ...entry, ...updateOf(entry.digest, updates) }));
  const changed = { ...list, manifests };
  const before = dockerList.write({ ...list, manifests: list.manifests ?? [] });
  if (target === mediaTypes.dockerList) return [before, dockerList.write(changed)];
  return [before, ociIndex.write(toOciIndex(changed))];
}

function rebuildOciIndex(
  given: OciIndex,
  positions: ReadonlySet<number>,
  { updates, hostPlatform }: IndexChange,
  target: string,
): [before: string, after: string] {
  const index = {
    ...given,
    schemaVersion: given.schemaVersion === 0n ? 2n : given.schemaVersion,
    mediaType: given.mediaType === "" ? mediaTypes.ociIndex : given.mediaType,
    manifests: given.manifests ?? [],
  };
  const manifests = index.manifests
    .filter((_, position) => positions.has(position))
    .map((entry) => {
      const zstd = updates?.get(entry.digest as Digest)?.zstd ?? false;
      const annotations = zstd
        ? new Map([...(entry.annotations ?? []), [zstdAnnotation, "true"] as const])
        : entry.annotations;
      return { ...entry, ...updateOf(entry.digest, updates), annotations };
    });
  const changed = { ...index, manifests };
  const before = ociIndex.write(index);
  if (target === mediaTypes.ociIndex) return [before, ociIndex.write(changed)];
  return [before, dockerList.write(toDockerList(changed, hostPlatform))];
}

function updateOf(digest: string, updates: IndexChange["updates"]): object {
  const update = updates?.get(digest as Digest);
  if (update === undefined) return {};
  return { digest: update.digest, size: BigInt(update.size), mediaType: update.mediaType };
}

/** CPU features get lost: OCI has no place for them. */
function toOciIndex(list: DockerList): OciIndex {
  return {
    ...ociIndex.zero,
    schemaVersion: 2n,
    mediaType: mediaTypes.ociIndex,
    manifests: (list.manifests ?? []).map((entry) => ({
      ...entry,
      annotations: null,
      data: null,
      artifactType: "",
    })),
  };
}

/** Annotations get lost, and a platform must be said. */
function toDockerList(index: OciIndex, host: IndexChange["hostPlatform"]): DockerList {
  const unsaid = {
    architecture: host?.architecture ?? "amd64",
    os: host?.os ?? "linux",
    "os.version": "",
    "os.features": null,
    variant: "",
  };
  return {
    schemaVersion: 2n,
    mediaType: mediaTypes.dockerList,
    manifests: (index.manifests ?? []).map((entry) => ({
      ...entry,
      platform: { ...(entry.platform ?? unsaid), features: null },
    })),
  };
}

function toInstances(
  manifests: readonly Parameters<typeof parseDescriptor>[0][] | null,
): readonly Descriptor[] {
  return (manifests ?? []).map((entry, index) => parseDescriptor(entry, `instance ${index}`));
}
