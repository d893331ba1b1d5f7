import type { DockerReference } from "../../core/docker-reference.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { listNames } from "../../docker-tar/choose-item.ts";
import { readItems } from "../../docker-tar/items.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { ImageDestination } from "../contract/image-destination.ts";
import type { Transport } from "../contract/transport.ts";
import { ArchiveDestination } from "./destination.ts";
import { type ArchiveLocation, parseArchiveLocation, resolveArchiveLocation } from "./location.ts";
import { NewArchive } from "./new-archive.ts";
import { openArchive } from "./open-archive.ts";
import { openArchiveImages, openArchiveSource } from "./source.ts";

/** How docker archives are read and written. */
export interface DockerArchiveOptions {
  /** More names for an image that is written, with tags. */
  readonly additionalNames?: readonly DockerReference[];
  /** A folder to keep archives in that cannot be read, or written, at any place: packed ones, and those in pipes. */
  readonly spoolFolder?: string;
}

/** Images in the archives that `docker save` writes and `docker load` reads. */
export function createDockerArchiveTransport(options: DockerArchiveOptions = {}): Transport {
  const { additionalNames = [], spoolFolder } = options;
  const spooling = spoolFolder === undefined ? {} : { spoolFolder };
  return {
    name: "docker-archive",
    resolve: async (text) => resolveArchiveLocation(text),
    openSource: async (reference, { signal }) =>
      await openArchiveSource(reference, locate(reference), { signal, ...spooling }),
    async openDestination(reference, { signal }) {
      const location = locate(reference);
      const archive = await NewArchive.begin(reference, location, { signal, ...spooling });
      return new ArchiveDestination(reference, archive, namesFor(location, additionalNames), true);
    },
    openImages: async (reference, { signal }) =>
      await openArchiveImages(reference, locate(reference), { signal, ...spooling }),
    async listTags(reference, { signal }) {
      await using files = await openArchive(locate(reference).path, { signal, ...spooling });
      return listNames(await readItems(files, { signal }));
    },
  };
}

/** An archive that several images are written to, one after the other. */
export interface SharedArchive extends AsyncDisposable {
  /** The place of one more image in it. Committing that ends the image, not the archive. */
  openDestination(name: DockerReference | undefined): ImageDestination;
  /** Ends the archive, once: before that there is none. */
  finish(): Promise<void>;
}

/**
 * Begins an archive for several images, where nothing stands yet.
 *
 * @throws what {@link NewArchive.begin} throws
 */
export async function openSharedArchive(
  reference: ImageReference,
  options: CallOptions & Pick<DockerArchiveOptions, "spoolFolder">,
): Promise<SharedArchive> {
  const archive = await NewArchive.begin(reference, locate(reference), options);
  return {
    openDestination: (name) =>
      new ArchiveDestination(reference, archive, name ? [name] : [], false),
    finish: () => archive.finish(),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

function locate({ typed, text }: ImageReference): ArchiveLocation {
  return parseArchiveLocation(typed ?? text);
}

function namesFor(
  { name }: ArchiveLocation,
  additional: readonly DockerReference[],
): readonly DockerReference[] {
  return name ? [name, ...additional] : additional;
}
