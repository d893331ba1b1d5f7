import type { DockerReference } from "../../core/docker-reference.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { NewImage } from "../../docker-tar/new-image.ts";
import { refuseZstd } from "../../docker-tar/refuse-zstd.ts";
import type { DestinationTraits, ExpectedImage } from "../contract/image-destination.ts";
import { DockerTarDestination, dockerTarTraits } from "../docker-tar-destination.ts";
import type { NewArchive } from "./new-archive.ts";

/**
 * An image's place in an archive that is being written. Into a file its layers go plain, as containers/image has it; a
 * pipe needs to know sizes first, so what is packed stays packed there.
 */
export class ArchiveDestination extends DockerTarDestination {
  readonly traits: DestinationTraits;
  readonly #archive: NewArchive;
  readonly #names: readonly DockerReference[];
  readonly #ownsArchive: boolean;

  /** @param ownsArchive whether the archive ends with this image */
  constructor(
    reference: ImageReference,
    archive: NewArchive,
    names: readonly DockerReference[],
    ownsArchive: boolean,
  ) {
    super(reference);
    this.#archive = archive;
    this.#names = names;
    this.#ownsArchive = ownsArchive;
    this.traits = {
      ...dockerTarTraits,
      ...(archive.seeks
        ? { layers: "plain", newBlobs: "any" }
        : { layers: "as-is", newBlobs: "none" }),
    };
  }

  protected begin({ manifest: expected }: ExpectedImage): NewImage {
    if (!this.#archive.seeks) {
      refuseZstd(expected, "Name a file, or with --tmpdir a folder to put the archive together in");
    }
    return new NewImage(this.#archive.images, this.#names);
  }

  async commit(): Promise<void> {
    if (this.#ownsArchive) await this.#archive.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownsArchive) await this.#archive[Symbol.asyncDispose]();
  }
}
