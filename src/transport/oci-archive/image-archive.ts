import { createHash } from "node:crypto";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf, parseDigest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { encodeUtf8 } from "../../core/utf8.ts";
import type { ArchiveOutput } from "../../layout/archive-output.ts";
import { putEntry } from "../../layout/entries.ts";
import {
  emptyIndex,
  formatLayoutIndex,
  type LayoutIndex,
  newEntry,
} from "../../layout/index-file.ts";
import { layoutFile } from "../../layout/layout-folder.ts";
import { BlobStream, type NewBlob } from "../../stream/blob-stream.ts";
import { ArchiveWriter } from "../../stream/tar/archive-writer.ts";

import { TransportError } from "../contract/errors.ts";

/** Milliseconds since 1970: when members were written. */
export type Clock = () => number;

/**
 * A layout that is being written into one archive, of as many images as are put in. Members have the names, modes and
 * owners that skopeo gives them; blobs come in the order in which they were begun, index.json and oci-layout last.
 */
export class ImageArchive implements AsyncDisposable {
  readonly #output: ArchiveOutput;
  readonly #writer: ArchiveWriter;
  readonly #clock: Clock;
  readonly #held = new Map<Digest, number>();
  readonly #folders = new Set<string>();
  #index: LayoutIndex = emptyIndex;

  constructor(output: ArchiveOutput, clock: Clock) {
    this.#output = output;
    this.#writer = new ArchiveWriter(output.sink);
    this.#clock = clock;
  }

  /** Whether blobs may come whose digest is known only when they were written. */
  get seeks(): boolean {
    return this.#output.sink.seeks;
  }

  /** The length of a blob that is in the archive; undefined if none is. */
  sizeOf(digest: Digest): number | undefined {
    return this.#held.get(digest);
  }

  /** Reads `blob` to its end. If that fails, nothing is left of it. */
  async write(blob: BlobStream | NewBlob): Promise<Descriptor> {
    const written = blob instanceof BlobStream ? await this.#add(blob) : await this.#addNew(blob);
    this.#held.set(written.digest, written.size);
    return written;
  }

  /** A blob held whole; one that is there already is not written again. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (this.#held.has(digest)) return;
    this.#held.set(digest, bytes.byteLength);
    await this.#makeFolder(algorithmOf(digest));
    const entry = { ...this.#file(), name: blobName(digest), size: bytes.byteLength };
    await this.#writer.add(entry, [bytes]);
  }

  /** Puts an image into index.json, under a name or nameless: it must have been written. */
  name(top: RawManifest, name: string | undefined): void {
    const entry = newEntry(top.mediaType, top.digest, top.bytes.byteLength);
    this.#index = putEntry(this.#index, entry, name);
  }

  /** Writes what is left, and brings the archive to its place. */
  async finish(): Promise<void> {
    await this.#makeFolder("sha256");
    await this.#addDocument("index.json", formatLayoutIndex(this.#index));
    await this.#addDocument("oci-layout", encodeUtf8(layoutFile));
    await this.#output.finish(await this.#writer.finish());
  }

  async #add(blob: BlobStream): Promise<Descriptor> {
    const { digest, size } = blob.descriptor;
    await this.#makeFolder(algorithmOf(digest));
    if (size < 0 && !this.seeks) throw unknownSize(digest);
    const known = size >= 0 && { size };
    await this.#writer.add({ ...this.#file(), ...known, name: blobName(digest) }, blob);
    return blob.descriptor;
  }

  async #addNew(blob: NewBlob): Promise<Descriptor> {
    await this.#makeFolder("sha256");
    const hash = createHash("sha256");
    const hashed = async function* () {
      for await (const chunk of blob) {
        hash.update(chunk);
        yield chunk;
      }
    };
    let digest: Digest | undefined;
    const name = () => {
      digest ??= parseDigest(`sha256:${hash.digest("hex")}`);
      return blobName(digest);
    };
    const { size } = await this.#writer.add({ ...this.#file(), name }, hashed());
    name();
    return { mediaType: blob.mediaType, digest: digest as Digest, size };
  }

  async #addDocument(name: string, bytes: Uint8Array): Promise<void> {
    await this.#writer.add({ ...this.#file(), name, size: bytes.byteLength }, [bytes]);
  }

  async #makeFolder(algorithm: string): Promise<void> {
    for (const name of ["blobs/", `blobs/${algorithm}/`]) {
      if (this.#folders.has(name)) continue;
      this.#folders.add(name);
      await this.#writer.add({ ...this.#file(), name, type: "5", mode: 0o755 });
    }
  }

  #file() {
    return { mode: 0o644, mtime: { seconds: Math.floor(this.#clock() / 1000), nanoseconds: 0 } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#output[Symbol.asyncDispose]();
  }
}

/** A manifest of schema 1 tells no sizes. */
function unknownSize(digest: Digest): TransportError {
  return new TransportError(
    "transport.unsupported",
    `The size of blob ${digest} is not known, and goes into a pipe before it`,
    { hint: "Name a file instead of a pipe, or say with --tmpdir where it may be put aside" },
  );
}

function blobName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}
