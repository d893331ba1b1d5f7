import { createHash } from "node:crypto";
import type { Descriptor } from "../core/descriptor.ts";
import { type Digest, hexOf } from "../core/digest.ts";
import { type DockerReference, repositoryName } from "../core/docker-reference.ts";
import { goMap, goString } from "../core/go-json.ts";
import { BlobStream, type NewBlob } from "../stream/blob-stream.ts";
import type { ArchiveWriter } from "../stream/tar/archive-writer.ts";
import { legacyLayers } from "./legacy-layers.ts";
import { formatManifestFile, type ManifestItem, manifestFileName } from "./manifest-file.ts";

/** An image whose layers are in the archive. */
export interface ImageToAdd {
  /** Base first. */
  readonly layers: readonly Digest[];
  readonly config: { readonly digest: Digest; readonly bytes: Uint8Array };
  /** With tags. */
  readonly names: readonly DockerReference[];
}

const fileMode = 0o444;

/**
 * Writes images as containers/image does, byte for byte: layers as they come, then of each image its config and the
 * legacy form of its layers, and at the end what tells of them all. Calls follow one another.
 */
export class ImageArchiveWriter {
  readonly #archive: ArchiveWriter;
  readonly #layers = new Map<Digest, number>();
  readonly #configs = new Map<Digest, number>();
  readonly #legacyIds = new Set<string>();
  readonly #items: ManifestItem[] = [];
  /** Of repositories, by tag, the legacy id of the top layer. */
  readonly #repositories = new Map<string, Map<string, string>>();

  constructor(archive: ArchiveWriter) {
    this.#archive = archive;
  }

  /** The size of a layer that is in the archive. */
  sizeOf(layer: Digest): number | undefined {
    return this.#layers.get(layer);
  }

  /** Writes a layer. One being made goes only where the archive can be written at any place. */
  async addLayer(blob: BlobStream | NewBlob): Promise<Descriptor> {
    const written =
      blob instanceof BlobStream ? await this.#addKnown(blob) : await this.#addNew(blob);
    this.#layers.set(written.digest, written.size);
    return written;
  }

  async #addKnown(blob: BlobStream): Promise<Descriptor> {
    const { digest, size } = blob.descriptor;
    await this.#archive.add({ name: layerName(digest), size, mode: fileMode }, blob);
    return blob.descriptor;
  }

  /** Its name is known when all of it was written; if the archive has it then, it is dropped again. */
  async #addNew(blob: NewBlob): Promise<Descriptor> {
    const hash = createHash("sha256");
    let size = 0;
    let digest: Digest | undefined;
    const nameIt = () => {
      digest = `sha256:${hash.digest("hex")}` as Digest;
      if (this.#layers.has(digest)) throw new AlreadyThere();
      return layerName(digest);
    };
    async function* measured() {
      for await (const chunk of blob) {
        hash.update(chunk);
        size += chunk.byteLength;
        yield chunk;
      }
    }
    try {
      await this.#archive.add({ name: nameIt, mode: fileMode }, measured());
    } catch (error) {
      if (!(error instanceof AlreadyThere)) throw error;
    }
    return { mediaType: blob.mediaType, digest: digest as Digest, size };
  }

  /** Adds an image; one with the config of another only adds its names to that. */
  async addImage({ layers, config, names }: ImageToAdd): Promise<void> {
    const known = this.#configs.get(config.digest);
    if (known === undefined) await this.#addFile(configName(config.digest), config.bytes);
    const top = await this.#addLegacy(layers, config.bytes);
    for (const name of names) this.#noteName(name, top);
    const item = (known !== undefined && this.#items[known]) || {
      config: configName(config.digest),
      layers: layers.map(layerName),
      repoTags: [],
    };
    const repoTags = [...new Set([...item.repoTags, ...names.map(tagged)])];
    const position = known ?? this.#items.length;
    this.#items[position] = { ...item, repoTags };
    this.#configs.set(config.digest, position);
  }

  /** Gives the legacy id of the top layer. */
  async #addLegacy(digests: readonly Digest[], config: Uint8Array): Promise<string | undefined> {
    const layers = legacyLayers(digests, config);
    for (const { id, digest, json } of layers) {
      if (this.#legacyIds.has(id)) continue;
      this.#legacyIds.add(id);
      const linkName = `../${layerName(digest)}`;
      await this.#archive.add({ name: `${id}/layer.tar`, type: "2", linkName, size: 0 });
      await this.#addFile(`${id}/VERSION`, Buffer.from("1.0"));
      await this.#addFile(`${id}/json`, Buffer.from(json));
    }
    return layers.at(-1)?.id;
  }

  #noteName(name: DockerReference, topLayer: string | undefined): void {
    if (topLayer === undefined) return;
    const repository = repositoryName(name);
    const tags = this.#repositories.get(repository) ?? new Map<string, string>();
    this.#repositories.set(repository, tags.set(name.tag ?? "", topLayer));
  }

  /** Writes what tells of the images, and ends the archive. Gives its length. */
  async finish(): Promise<number> {
    await this.#addFile(manifestFileName, formatManifestFile(this.#items));
    const repositories = [...this.#repositories].map(
      ([name, tags]) => [name, goMap([...tags].map(([tag, id]) => [tag, goString(id)]))] as const,
    );
    await this.#addFile("repositories", Buffer.from(goMap(repositories)));
    return await this.#archive.finish();
  }

  async #addFile(name: string, bytes: Uint8Array): Promise<void> {
    await this.#archive.add({ name, size: bytes.byteLength, mode: fileMode }, [bytes]);
  }
}

/** Thrown by the name of an entry that is not to be kept. */
class AlreadyThere extends Error {}

function layerName(digest: Digest): string {
  return `${hexOf(digest)}.tar`;
}

function configName(digest: Digest): string {
  return `${hexOf(digest)}.json`;
}

function tagged(name: DockerReference): string {
  return `${repositoryName(name)}:${name.tag}`;
}
