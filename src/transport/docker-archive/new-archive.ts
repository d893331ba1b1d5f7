import { goQuote } from "../../core/go-quote.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { DockerTarError } from "../../docker-tar/errors.ts";
import { ImageArchiveWriter } from "../../docker-tar/image-archive-writer.ts";
import type { ArchiveOutput, ArchiveOutputOptions } from "../../layout/archive-output.ts";
import { openArchiveTarget } from "../../layout/archive-target.ts";
import { LayoutError } from "../../layout/errors.ts";
import { ArchiveWriter } from "../../stream/tar/archive-writer.ts";
import { TransportError } from "../contract/errors.ts";
import type { ArchiveLocation } from "./location.ts";

/** An archive being written, of one image or of several. Disposed of before it is finished, it leaves nothing. */
export class NewArchive implements AsyncDisposable {
  readonly images: ImageArchiveWriter;
  readonly #target: ArchiveOutput;

  private constructor(target: ArchiveOutput) {
    this.#target = target;
    this.images = new ImageArchiveWriter(new ArchiveWriter(target.sink));
  }

  /** Whether layers may come whose sizes are not known before. */
  get seeks(): boolean {
    return this.#target.sink.seeks;
  }

  /**
   * Begins an archive where nothing stands yet but an empty file, or a pipe.
   *
   * @throws {DockerTarError} `docker-tar.exists` where there is a file
   * @throws {TransportError} `transport.unsupported` for a position, which can only be read
   * @throws {LayoutError} `layout.missing`, `layout.unwritable`
   */
  static async begin(
    reference: ImageReference,
    location: ArchiveLocation,
    options: ArchiveOutputOptions,
  ): Promise<NewArchive> {
    const { path, position } = location;
    if (position !== undefined) {
      throw new TransportError(
        "transport.unsupported",
        `Destination reference must not contain a manifest index @${position}`,
        { reference },
      );
    }
    try {
      return new NewArchive(await openArchiveTarget(path, refuseFile, options));
    } catch (error) {
      if (!(error instanceof LayoutError)) throw error;
      const message = `opening file ${goQuote(path)}: ${error.message}`;
      throw new LayoutError(error.code, message, { cause: error });
    }
  }

  async finish(): Promise<void> {
    await this.#target.finish(await this.images.finish());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]();
  }
}

function refuseFile(standing: string): void {
  if (standing !== "file") return;
  throw new DockerTarError(
    "docker-tar.exists",
    "docker-archive doesn't support modifying existing images",
    { hint: "Name a new file, or remove that one first" },
  );
}
