import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { DockerReference } from "../core/docker-reference.ts";
import { parseImageManifest } from "../core/image-manifest.ts";
import type { RawManifest } from "../core/manifest.ts";
import { mediaTypes } from "../core/media-type.ts";
import { BlobStream, type NewBlob } from "../stream/blob-stream.ts";
import { readBounded } from "../stream/bounded.ts";
import { DockerTarError } from "./errors.ts";
import type { ImageArchiveWriter } from "./image-archive-writer.ts";

/** The most that is kept of a config, bytes — `specs/registry.md` 6.2. */
const maxConfigBytes = 4 * 1024 * 1024;

/** An image on its way into an archive: its layers go there at once, its config with the manifest. */
export class NewImage {
  readonly #archive: ImageArchiveWriter;
  readonly #names: readonly DockerReference[];
  readonly #configs = new Map<Digest, Uint8Array>();

  /** @param names what it is to be called: with tags */
  constructor(archive: ImageArchiveWriter, names: readonly DockerReference[]) {
    this.#archive = archive;
    this.#names = names;
  }

  /** Whether the archive has a layer of that digest. */
  hasLayer({ digest, size }: Descriptor): boolean {
    const held = this.#archive.sizeOf(digest);
    return held !== undefined && (size < 0 || size === held);
  }

  /** Reads `blob` to its end. */
  async add(blob: BlobStream | NewBlob, isConfig: boolean): Promise<Descriptor> {
    if (!isConfig) return await this.#archive.addLayer(blob);
    if (!(blob instanceof BlobStream)) throw new TypeError("configs are written as they are");
    const { descriptor } = blob;
    this.#configs.set(descriptor.digest, await readBounded(blob, maxConfigBytes, "config"));
    return descriptor;
  }

  /** Writes what makes an image of the blobs. @throws {DockerTarError} `docker-tar.unsupported` for other manifests */
  async finish(manifest: RawManifest): Promise<void> {
    if (manifest.mediaType !== mediaTypes.dockerManifest) {
      throw new DockerTarError(
        "docker-tar.unsupported",
        "Unsupported manifest type, need a Docker schema 2 manifest",
      );
    }
    const { config, layers } = parseImageManifest(manifest);
    const bytes = this.#configs.get(config.digest);
    if (!bytes) throw new TypeError(`no config ${config.digest} was written`);
    await this.#archive.addImage({
      layers: layers.map(({ digest }) => digest),
      config: { digest: config.digest, bytes },
      names: this.#names,
    });
  }
}
