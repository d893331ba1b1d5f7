import { dirname } from "node:path";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { makeFolders } from "../core/make-folders.ts";
import type { BlobStream, NewBlob } from "../stream/blob-stream.ts";
import { readSmallFile, sizeOfFile } from "./blob-file.ts";
import { writing } from "./errors.ts";
import type { OwnProcess } from "./owner.ts";
import { fillWithBlob, UnfinishedFile } from "./unfinished-file.ts";

/** Where the files of a {@link BlobFolder} are. */
export interface BlobFolderOptions {
  /** Where unfinished files go: on the same file system as the finished. Made when first needed. */
  readonly unfinished: string;
  readonly pathOf: (digest: Digest) => string;
  readonly self: OwnProcess;
}

/**
 * Blobs as files that are named by their digest. A file gets its name when all of it is there and on the disk; the
 * disk's work goes on while the next blob is being read, so {@link settle} is where it ends. Disposing of the folder
 * waits for it, and removes what did not get its name.
 */
export class BlobFolder implements AsyncDisposable {
  readonly #options: BlobFolderOptions;
  /** All files that were written, and which of them has a digest's bytes. */
  readonly #files: Promise<void>[] = [];
  readonly #finishing = new Map<Digest, Promise<void>>();
  /** Ends when the disk has the blobs so far. */
  #syncing: Promise<unknown> = Promise.resolve();

  constructor(options: BlobFolderOptions) {
    this.#options = options;
  }

  pathOf(digest: Digest): string {
    return this.#options.pathOf(digest);
  }

  /** The length of the blob that is there; undefined if none is. Its content is not looked at. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    await this.#finishing.get(digest);
    return await sizeOfFile(this.pathOf(digest));
  }

  /** Reads `blob` to its end. If that fails, nothing is left of it. Mode 0644, whatever the umask, as skopeo's. */
  async write(blob: BlobStream | NewBlob, signal: AbortSignal): Promise<Descriptor> {
    signal.throwIfAborted();
    const file = await this.#newFile();
    try {
      const written = await fillWithBlob(file, blob);
      signal.throwIfAborted();
      await file.setMode(0o644);
      this.#finish(file, written.digest);
      return written;
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A blob held whole, a manifest, under the mode that the umask gives. The same that is there is left alone. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.sizeOf(digest)) === bytes.byteLength) {
      const held = await readSmallFile(this.pathOf(digest), bytes.byteLength);
      if (held.equals(bytes)) return;
    }
    const file = await this.#newFile();
    try {
      await file.write(bytes);
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
    this.#finish(file, digest);
  }

  /** Waits until all that was written is on the disk under its name. */
  async settle(): Promise<void> {
    await Promise.all(this.#files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#files);
  }

  async #newFile(): Promise<UnfinishedFile> {
    const { unfinished, self } = this.#options;
    await writing(`mkdir ${unfinished}`, () => makeFolders(unfinished));
    return await UnfinishedFile.create(unfinished, self);
  }

  #finish(file: UnfinishedFile, digest: Digest): void {
    const finishing = this.#finishNow(file, this.pathOf(digest));
    finishing.catch(() => {}); // thrown by settle
    this.#files.push(finishing);
    this.#finishing.set(digest, finishing);
  }

  /**
   * One after the other: each holds one of Node's few threads for files for as long as the disk takes, and with all of
   * them held nothing could be read or written meanwhile.
   */
  async #sync(file: UnfinishedFile): Promise<void> {
    const before = this.#syncing;
    const turn = before.then(() => file.sync());
    this.#syncing = turn.catch(() => {});
    await turn;
  }

  async #finishNow(file: UnfinishedFile, path: string): Promise<void> {
    await using unfinished = file;
    await writing(`mkdir ${dirname(path)}`, () => makeFolders(dirname(path)));
    await this.#sync(unfinished);
    await unfinished.finish(path);
  }
}
