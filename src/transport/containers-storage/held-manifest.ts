import { formatDockerReference } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import { readRawManifest } from "../../core/manifest.ts";
import type { ImageRecord } from "../../storage/image-record.ts";
import type { Store } from "../../storage/store.ts";
import type { HeldManifest } from "../contract/transport.ts";
import { manifestKey } from "./find-image.ts";
import type { StoredImage } from "./location.ts";
import { hasStoredSignatures } from "./signature-data.ts";

/** The image that a copy to this name would replace or add to: none of an additional store. */
export async function heldImage(
  store: Store,
  { docker, id }: StoredImage,
): Promise<ImageRecord | undefined> {
  const name = docker && formatDockerReference(docker);
  const isMeant = (image: ImageRecord) =>
    !image.area.readOnly &&
    (id === undefined || image.id === id) &&
    (name === undefined || image.names.includes(name));
  return (await store.images()).find(isMeant);
}

/** What a store has under a name; undefined where that is nothing, or not the whole of an image. */
export async function heldManifest(
  store: Store,
  meant: StoredImage,
): Promise<HeldManifest | undefined> {
  const image = await heldImage(store, meant);
  if (!image) return undefined;
  try {
    return await manifestOf(store, image);
  } catch (error) {
    if (error instanceof KnownError) return undefined; // a copy will tell, or mend it
    throw error;
  }
}

async function manifestOf(store: Store, image: ImageRecord): Promise<HeldManifest | undefined> {
  const bytes = await store.imageData(image, "manifest");
  if (!bytes) return undefined;
  if (image.topLayer !== undefined) await store.layerChain(image.topLayer);
  const { digest, mediaType } = readRawManifest(bytes);
  return {
    digest,
    mediaType,
    signed: async () => hasStoredSignatures(image, digest),
    keepsIndex: (index) => image.dataNames.includes(manifestKey(index)),
  };
}
