import type { ImageReference } from "../../core/image-reference.ts";
import { readItems } from "../../docker-tar/items.ts";
import type { ImageSource } from "../contract/image-source.ts";
import type { OpenImages } from "../contract/transport.ts";
import { DockerTarSource } from "../docker-tar-source.ts";
import type { ArchiveLocation } from "./location.ts";
import { type OpenArchiveOptions, openArchive } from "./open-archive.ts";

/**
 * Opens the archive and reads its manifest.json. Which of its images is meant shows with the manifest.
 *
 * @throws what {@link openArchive} and {@link readItems} throw
 */
export async function openArchiveSource(
  reference: ImageReference,
  location: ArchiveLocation,
  options: OpenArchiveOptions,
): Promise<ImageSource> {
  const files = await openArchive(location.path, options);
  try {
    const items = await readItems(files, options);
    const close = async () => files[Symbol.asyncDispose]();
    return new DockerTarSource(reference, { files, items, wanted: location, close });
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Opens the archive once, for all its images in turn; one that is on a tape gives them only in its own order.
 *
 * @throws what {@link openArchive} and {@link readItems} throw
 */
export async function openArchiveImages(
  reference: ImageReference,
  { path }: ArchiveLocation,
  options: OpenArchiveOptions,
): Promise<OpenImages> {
  const files = await openArchive(path, options);
  const close = () => files[Symbol.asyncDispose]();
  try {
    const items = await readItems(files, options);
    const shared = async () => {};
    const images = items.map(({ repoTags }, position) => ({
      names: repoTags,
      position,
      openSource: async () =>
        new DockerTarSource(reference, { files, items, wanted: { position }, close: shared }),
    }));
    return { images, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
