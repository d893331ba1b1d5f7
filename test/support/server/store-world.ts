import { type Digest, type DigestAlgorithm, digestOf } from "../../../src/core/digest.ts";
import { type RawManifest, readRawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import type { ServerCall } from "../../../src/server/caller.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import { openRegistryStore } from "../../../src/server/store/open-store.ts";
import type {
  RegistryStore,
  RegistryStoreOptions,
  StoreSettings,
} from "../../../src/server/store/registry-store.ts";
import type { HeldManifest } from "../../../src/server/v2/backend.ts";

/** The domain that tests keep their repositories under. */
export const testDomain = "registry.example:5000";

/** A repository kept by the server itself, or with a domain an upstream's. */
export function repositoryAt(path: string, domain?: string): ServedRepository {
  return { domain: domain ?? testDomain, path, requested: path, upstream: domain };
}

/** A call by `user`, that nobody calls off. */
export function callBy(user?: string): ServerCall {
  return { caller: { user, address: "192.0.2.1" }, signal: new AbortController().signal };
}

/** Opens a store that collects no garbage by itself. */
export function openTestStore(
  folder: string,
  settings: StoreSettings = {},
  options: Partial<RegistryStoreOptions> = {},
): Promise<RegistryStore> {
  return openRegistryStore(folder, {
    domain: testDomain,
    now: Date.now,
    settings: { collectEveryMs: 0, ...settings },
    ...options,
  });
}

/** As a body comes: in chunks of at most 10,000 bytes. */
export async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** Pushes a blob in one go; gives its digest. */
export async function pushBlob(
  store: RegistryStore,
  repository: ServedRepository,
  bytes: Uint8Array,
  algorithm: DigestAlgorithm = "sha256",
): Promise<Digest> {
  const digest = digestOf(bytes, algorithm);
  const begun = await store.beginUpload(repository, { type: "new" }, callBy());
  if (begun.type !== "open") throw new Error("mounted?");
  await store.finishUpload(repository, begun.upload.id, { body: bodyOf(bytes), digest }, callBy());
  return digest;
}

/** What an image manifest may say besides. */
export interface TestImageOptions {
  readonly subject?: Digest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly configType?: string;
  readonly algorithm?: DigestAlgorithm;
}

/** An image manifest over blobs. */
export function imageOf(
  config: Uint8Array,
  layers: readonly Uint8Array[],
  { subject, artifactType, annotations, configType, algorithm }: TestImageOptions = {},
): RawManifest {
  const describe = (mediaType: string, bytes: Uint8Array) => ({
    ...{ mediaType, digest: digestOf(bytes), size: bytes.byteLength },
  });
  return manifestOf(
    {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      ...(artifactType && { artifactType }),
      config: describe(configType ?? mediaTypes.ociConfig, config),
      layers: layers.map((layer) => describe(mediaTypes.ociLayer, layer)),
      ...(subject && {
        subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 10 },
      }),
      ...(annotations && { annotations }),
    },
    algorithm,
  );
}

/** An index over manifests. */
export function indexOf(instances: readonly RawManifest[]): RawManifest {
  return manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: instances.map(({ mediaType, digest, bytes }) => ({
      ...{ mediaType, digest, size: bytes.byteLength },
    })),
  });
}

/** A document as the manifest that it says it is. */
export function manifestOf(document: object, algorithm: DigestAlgorithm = "sha256"): RawManifest {
  const bytes = Buffer.from(JSON.stringify(document));
  return readRawManifest(bytes, { digest: digestOf(bytes, algorithm) });
}

/** Pushes an image with one layer of its own; gives its manifest. */
export async function pushImage(
  store: RegistryStore,
  repository: ServedRepository,
  tags: readonly string[],
  seed: string,
  options: TestImageOptions = {},
): Promise<RawManifest> {
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", seed }));
  const layer = Buffer.from(`layer ${seed}`.repeat(100));
  await pushBlob(store, repository, config);
  await pushBlob(store, repository, layer);
  const manifest = imageOf(config, [layer], options);
  await store.putManifest(repository, { manifest, tags }, callBy());
  return manifest;
}

/** A manifest by tag or digest. */
export function manifestAt(
  store: RegistryStore,
  repository: ServedRepository,
  reference: string,
): Promise<HeldManifest | undefined> {
  return store.readManifest(
    repository,
    reference.includes(":")
      ? { type: "digest", digest: reference as Digest }
      : { type: "tag", tag: reference },
    callBy(),
  );
}

/** All bytes of a blob, or of a part of it; undefined where there is none. */
export async function blobAt(
  store: RegistryStore,
  repository: ServedRepository,
  digest: Digest,
  part?: { readonly start: number; readonly end: number },
): Promise<Buffer | undefined> {
  await using blob = await store.openBlob(repository, digest, callBy());
  if (blob === undefined) return undefined;
  const range = part ?? { start: 0, end: blob.size };
  const chunks: Buffer[] = [];
  for await (const chunk of blob.read(range, callBy().signal)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
