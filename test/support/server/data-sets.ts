import { type Digest, type DigestAlgorithm, digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";

/** A manifest to be pushed. */
export interface SampleManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** What the list of its subject's referrers is to say of it. */
  readonly subject?: Digest;
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
}

/** Content in the order in which it is pushed. */
export interface DataSet {
  readonly blobs: readonly Uint8Array[];
  readonly manifests: readonly SampleManifest[];
}

const config = Buffer.from(
  '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
);
const empty = Buffer.from("{}");
const layers = ["one", "two"].map((text) => Buffer.from(`layer ${text}`));
const missing = digestOf(Buffer.from("nobody has this manifest"));

interface Members {
  readonly config?: object;
  readonly layers?: readonly object[];
  readonly subject?: { readonly digest: Digest };
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
  readonly [other: string]: unknown;
}

function descriptor(mediaType: string, bytes: Uint8Array, more: object = {}): object {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, ...more };
}

function manifestOf(
  mediaType: string,
  members: Members,
  algorithm: DigestAlgorithm = "sha256",
): SampleManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...members }));
  const { subject, annotations } = members;
  const configType = (members.config as { mediaType?: string } | undefined)?.mediaType;
  const artifactType = members.artifactType ?? configType;
  return {
    mediaType,
    bytes,
    digest: digestOf(bytes, algorithm),
    ...(subject && { subject: subject.digest }),
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations && { annotations }),
  };
}

function image(members: Members = {}): SampleManifest {
  return manifestOf(mediaTypes.ociManifest, {
    config: descriptor(mediaTypes.ociConfig, config),
    layers: layers.map((bytes) => descriptor(mediaTypes.ociLayerGzip, bytes)),
    ...members,
  });
}

function artifact(members: Members = {}): SampleManifest {
  return image({
    artifactType: "application/vnd.example.test+json",
    config: descriptor(mediaTypes.ociEmpty, empty),
    ...members,
  });
}

function index(
  children: readonly SampleManifest[],
  members: Members = {},
  algorithm?: DigestAlgorithm,
): SampleManifest {
  const manifests = children.map(({ mediaType, bytes }, at) =>
    descriptor(mediaType, bytes, { platform: { os: "linux", architecture: `arch${at}` } }),
  );
  return manifestOf(mediaTypes.ociIndex, { manifests, ...members }, algorithm);
}

function subjectOf({ mediaType, bytes, digest }: SampleManifest) {
  return { mediaType, digest, size: bytes.length };
}

const images = ["one", "two"].map((name) => image({ annotations: { name } }));
const blobs = [config, empty, ...layers];
const big = "x".repeat(1024);
const bigNotes = Object.fromEntries(
  Array.from({ length: 3750 }, (_, at) => [`org.example.note-${at}`, big]),
);

function set(...manifests: readonly SampleManifest[]): DataSet {
  return { blobs, manifests };
}

const base = image({ annotations: { of: "a subject" } });
const nowhere = { mediaType: mediaTypes.ociManifest, digest: missing, size: 123 };
const inner = index(images, { annotations: { of: "the inner" } });
const uncompressed = layers.map((bytes) => descriptor(mediaTypes.ociLayer, bytes));
const foreign = {
  mediaType: mediaTypes.ociForeignLayer,
  digest: digestOf(Buffer.from("kept elsewhere")),
  size: 14,
  urls: ["https://example.test/layer"],
};

/** Those of `specs` registry.md 5.2, by name. */
export const dataSets: Readonly<Record<string, DataSet>> = {
  image: set(image()),
  "image with uncompressed layers": set(image({ layers: uncompressed })),
  "manifest of 3.9 MB": set(image({ annotations: bigNotes })),
  index: set(...images, index(images)),
  "nested index": set(...images, inner, index([inner])),
  "empty index": set(index([])),
  "index of blobs, as BuildKit's caches are": set(
    manifestOf(mediaTypes.ociIndex, {
      manifests: [
        ...layers.map((bytes) => descriptor(mediaTypes.ociLayerGzip, bytes)),
        descriptor("application/vnd.buildkit.cacheconfig.v0", empty),
      ],
    }),
  ),
  artifact: set(artifact()),
  "artifact index": set(
    artifact(),
    index([artifact()], { artifactType: "application/vnd.example.list" }),
  ),
  "artifact without layers": set(artifact({ layers: [descriptor(mediaTypes.ociEmpty, empty)] })),
  "artifacts with subject": set(
    base,
    artifact({ subject: subjectOf(base), annotations: { number: "1" } }),
    artifact({
      subject: subjectOf(base),
      artifactType: "application/vnd.example.other",
      annotations: { number: "2" },
    }),
    image({ subject: subjectOf(base), annotations: { number: "3" } }),
  ),
  "index with subject": set(
    base,
    ...images,
    index(images, { subject: subjectOf(base), annotations: { number: "4" } }),
  ),
  "missing subject": set(artifact({ subject: nowhere })),
  "data field": set(
    artifact({
      config: descriptor(mediaTypes.ociEmpty, empty, { data: empty.toString("base64") }),
    }),
  ),
  "non-distributable layers": set(image({ layers: [foreign] })),
  "custom fields": set(
    image({ "org.example.custom": { deep: [1, { deeper: null }] }, other: "x" }),
  ),
  "no layers": set(image({ layers: [] })),
  "sha512 index by digest": set(...images, index(images, {}, "sha512")),
  "sha512 manifest by digest": set(
    manifestOf(
      mediaTypes.ociManifest,
      { config: descriptor(mediaTypes.ociConfig, config), layers: [] },
      "sha512",
    ),
  ),
  "Docker image": set(
    manifestOf(mediaTypes.dockerManifest, {
      config: descriptor(mediaTypes.dockerConfig, config),
      layers: layers.map((bytes) => descriptor(mediaTypes.dockerLayerGzip, bytes)),
    }),
  ),
};
