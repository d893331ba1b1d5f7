import { maxBundleBytes } from "../../../sigstore/cosign/bundle-format.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { type ImageManifest, parseImageManifest } from "../../core/image-manifest.ts";
import { readRawManifest } from "../../core/manifest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { CallOptions, Repository } from "../../registry/repository.ts";
import { readBounded } from "../../stream/bounded.ts";

/** As many as signatures of other kinds. */
const maxBundles = 127;

const bundleType =
  /^application\/vnd\.dev\.sigstore\.bundle(?:\+json;version=|\.v)0\.[123](?:\+json)?$/;

/** What reading bundles asks of a registry. */
export type BundleSource = Pick<Repository, "name" | "readManifest" | "readReferrers" | "openBlob">;

/**
 * The bundles that cosign 3 attached to a manifest, unverified, as the registry lists what refers to it; empty where
 * there are none — `specs/signing.md` 4.8. Other things that refer to it are passed over; a bundle that cannot be read
 * fails them all, as a signature does.
 *
 * @throws {SignatureError} `signature.store-limit` where there are too many, or one is too large
 */
export async function readBundles(
  repository: BundleSource,
  manifest: Digest,
  call: CallOptions,
): Promise<readonly Uint8Array[]> {
  const bundles: Uint8Array[] = [];
  for (const entry of await repository.readReferrers(manifest, call)) {
    if (!mayBeBundle(entry)) continue;
    const artifact = await readArtifact(repository, entry, call);
    const layer = bundleLayer(artifact, manifest);
    if (!layer) continue;
    if (bundles.length === maxBundles) throw limit(`there are more than ${maxBundles} bundles`);
    bundles.push(await readLayer(repository, layer, call));
  }
  return bundles;
}

/** cosign 3.1 lists its bundles in the fallback tag under the type of their empty config. */
function mayBeBundle({ mediaType, artifactType }: Descriptor): boolean {
  if (mediaType !== mediaTypes.ociManifest) return false;
  const isUntold = !artifactType || artifactType === mediaTypes.ociEmpty;
  return isUntold || bundleType.test(artifactType);
}

async function readArtifact(
  repository: BundleSource,
  { digest }: Descriptor,
  call: CallOptions,
): Promise<ImageManifest> {
  const { bytes, contentType } = await repository.readManifest(digest, call);
  return parseImageManifest(
    readRawManifest(bytes, { digest, ...(contentType !== undefined && { contentType }) }),
  );
}

/** Whoever lists an artifact may list it anywhere: it says itself what it refers to. */
function bundleLayer({ subject, layers }: ImageManifest, manifest: Digest): Descriptor | undefined {
  const [layer, ...others] = layers;
  if (subject?.digest !== manifest || others.length > 0) return undefined;
  return layer && bundleType.test(layer.mediaType) ? layer : undefined;
}

async function readLayer(
  repository: BundleSource,
  layer: Descriptor,
  { signal }: CallOptions,
): Promise<Uint8Array> {
  const context = `reading bundle ${layer.digest} in ${repository.name}`;
  if (layer.size > maxBundleBytes) {
    throw limit(`${context}: exceeded maximum allowed size of ${maxBundleBytes} bytes`);
  }
  await using stream = await repository.openBlob(layer, { signal });
  return await readBounded(stream, maxBundleBytes, context);
}

function limit(message: string): SignatureError {
  return new SignatureError("signature.store-limit", message);
}
