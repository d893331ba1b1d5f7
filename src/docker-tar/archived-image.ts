import type { Descriptor } from "../core/descriptor.ts";
import { type Digest, digestOf } from "../core/digest.ts";
import { BlobStream } from "../stream/blob-stream.ts";
import type { ArchiveFiles, ReadOptions } from "./archive-files.ts";
import { invalid } from "./errors.ts";
import { type ItemLayer, layersOfItem, manifestOfItem } from "./image-of-item.ts";
import type { ManifestItem } from "./manifest-file.ts";

/** The most that is read of a config, bytes — `specs/registry.md` 6.2. */
const maxConfigBytes = 4 * 1024 * 1024;

/** One image of an archive, with the schema 2 manifest that it would have. */
export class ArchivedImage {
  /** As containers/image makes it; a layer's size is 0 where only reading it would tell. */
  readonly manifest: Uint8Array;
  /** Where the archive is a tape, and layers are still on it: all blobs in their order. */
  readonly blobOrder: readonly Digest[];
  readonly #files: ArchiveFiles;
  readonly #config: Uint8Array;
  readonly #layers: ReadonlyMap<Digest, string>;

  private constructor(
    files: ArchiveFiles,
    config: Uint8Array,
    layers: readonly (ItemLayer & { readonly size: number })[],
  ) {
    this.#files = files;
    this.#config = config;
    this.#layers = new Map(layers.map(({ diffId, path }) => [diffId, path]));
    this.manifest = manifestOfItem(config, layers);
    const onTape = layers.some(({ path }) => !files.isAtHand(path));
    this.blobOrder = files.access === "tape" && onTape ? this.#order() : [];
  }

  /** @throws {DockerTarError} `docker-tar.invalid` where the archive does not hold what the item says */
  static async read(
    files: ArchiveFiles,
    item: ManifestItem,
    options: ReadOptions,
  ): Promise<ArchivedImage> {
    const config = await files.readSmall(item.config, maxConfigBytes, options);
    const layers = layersOfItem(item, config);
    const sized: (ItemLayer & { readonly size: number })[] = [];
    for (const layer of layers) {
      const size = await files.plainSize(layer.path, options);
      if (size === undefined) throw invalid("Some layer tarfiles are missing in the tarball");
      sized.push({ ...layer, size: Math.max(0, size) });
    }
    return new ArchivedImage(files, config, sized);
  }

  #order(): readonly Digest[] {
    const place = ([, path]: readonly [Digest, string]) => this.#files.placeOf(path);
    const layers = [...this.#layers].toSorted((a, b) => place(a) - place(b));
    return [digestOf(this.#config), ...layers.map(([diffId]) => diffId)];
  }

  /** Undefined for a blob that the image has not. */
  async openBlob(blob: Descriptor, options: ReadOptions): Promise<BlobStream | undefined> {
    if (blob.digest === digestOf(this.#config)) return heldBlob(blob, this.#config);
    const path = this.#layers.get(blob.digest);
    if (path === undefined) return undefined;
    const { size, open } = await this.#files.openPlain(path, options);
    return new BlobStream({ ...blob, size }, open, { reopens: this.#files.isAtHand(path) });
  }
}

function heldBlob(blob: Descriptor, bytes: Uint8Array): BlobStream {
  async function* open(from: number) {
    yield bytes.subarray(from);
  }
  return new BlobStream({ ...blob, size: bytes.byteLength }, open, { reopens: true });
}
