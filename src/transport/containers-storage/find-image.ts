import type { Digest } from "../../core/digest.ts";
import {
  type DockerReference,
  formatDockerReference,
  parseDockerReference,
  repositoryName,
} from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { parseIndexManifest } from "../../core/index-manifest.ts";
import { readRawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import { chooseInstance, type Platform } from "../../core/platform.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { Store } from "../../storage/store.ts";
import { TransportError } from "../contract/errors.ts";
import type { StoredImage } from "./location.ts";

/** The key of a manifest in an image's data. */
export function manifestKey(digest: Digest): string {
  return `manifest-${digest}`;
}

/**
 * The image that a reference means — `specs/containers-storage.md` 2, "Resolution".
 *
 * @param platform decides between several images of one list
 * @throws {TransportError} `transport.image-not-found`, in skopeo's words
 */
export async function findStoredImage(
  store: Store,
  { docker, id }: StoredImage,
  reference: ImageReference,
  platform: Platform,
): Promise<ImageRecord> {
  if (id !== undefined) return await imageOfId(store, id, docker, reference);
  const found = docker && (await imageOfName(store, docker, platform));
  if (found) return found;
  throw noImage(reference, `reference ${goQuote(reference.text)} does not resolve to an image ID`);
}

async function imageOfId(
  store: Store,
  id: string,
  docker: DockerReference | undefined,
  reference: ImageReference,
): Promise<ImageRecord> {
  const found = (await store.images()).find((image) => image.id === id);
  const quoted = goQuote(id);
  if (!found) {
    const why = `reading image ${quoted}: locating image with ID ${quoted}: image not known`;
    // As in skopeo 1.22, not one of the failures that its exit code tells apart.
    throw new TransportError("transport.unreadable", why, { reference });
  }
  if (docker && !isOfRepository(found, docker))
    throw noImage(reference, "identifier is not an image");
  return found;
}

async function imageOfName(
  store: Store,
  docker: DockerReference,
  platform: Platform,
): Promise<ImageRecord | undefined> {
  const images = await store.images();
  const name = formatDockerReference(docker);
  const exact = images.find(({ names }) => names.includes(name));
  const { digest } = docker;
  if (exact || digest === undefined) return exact;
  const matching = images.filter(
    (image) => image.digests.includes(digest) && isOfRepository(image, docker),
  );
  for (const image of matching.toReversed()) {
    if (matching.length > 1 && (await isForPlatform(store, image, digest, platform))) return image;
  }
  return matching[0];
}

function isOfRepository({ names }: ImageRecord, docker: DockerReference): boolean {
  return names.some((name) => repositoryOf(name) === repositoryName(docker));
}

function repositoryOf(name: string): string | undefined {
  try {
    return repositoryName(parseDockerReference(name));
  } catch {
    return undefined;
  }
}

/** Whether this is the image that the list of this digest has for the platform. */
async function isForPlatform(
  store: Store,
  image: ImageRecord,
  list: Digest,
  platform: Platform,
): Promise<boolean> {
  const bytes = await store.imageData(image, manifestKey(list));
  if (!bytes) return false;
  try {
    const manifest = readRawManifest(bytes);
    if (!isIndexType(manifest.mediaType)) return false;
    const { digest } = chooseInstance(parseIndexManifest(manifest), platform);
    return image.dataNames.includes(manifestKey(digest));
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}

/** There is no such image, as far as the caller's exit code goes. */
export function noImage(reference: ImageReference, message: string): TransportError {
  return new TransportError("transport.image-not-found", message, { reference });
}
