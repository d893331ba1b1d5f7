import { createHash, type Hash } from "node:crypto";
import { write } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import type { Descriptor } from "../core/descriptor.ts";
import { parseDigest } from "../core/digest.ts";
import { BlobStream, type NewBlob } from "../stream/blob-stream.ts";
import { fileError, tidying, unless, writing } from "./errors.ts";
import { newOwner, type OwnProcess } from "./owner.ts";
import { unfinishedPath } from "./unfinished.ts";

/** A file that has no name yet but one of our own; disposing of it before {@link finish} removes it. */
export class UnfinishedFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #state: "open" | "closed" | "finished" = "open";

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @throws {LayoutError} `layout.unwritable`. The file's mode is 0644, less what the umask takes. */
  static async create(folder: string, self: OwnProcess): Promise<UnfinishedFile> {
    const path = unfinishedPath(folder, newOwner(self));
    return new UnfinishedFile(path, await writing(`open ${path}`, () => open(path, "wx", 0o644)));
  }

  /** Writes all of `bytes`, one chunk while the next is being made. Gives their number. */
  async fill(bytes: AsyncIterable<Uint8Array>, hash?: Hash): Promise<number> {
    let size = 0;
    let writes: Promise<void> | undefined;
    try {
      for await (const chunk of bytes) {
        await writes;
        writes = this.writeAt(chunk, size);
        writes.catch(() => {}); // thrown by the next await of it
        hash?.update(chunk);
        size += chunk.byteLength;
      }
      await writes;
    } catch (error) {
      await writes?.catch(() => {}); // the chunk's memory may be used again only now
      throw error;
    }
    return size;
  }

  /** Writes a small file's whole content. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.writeAt(bytes, 0);
  }

  /** Writes all of `chunk` at a place in the file. */
  async writeAt(chunk: Uint8Array, position: number): Promise<void> {
    await writeFully(this.#handle, this.path, chunk, position);
  }

  /** Cuts off what stands behind `length`. */
  async truncate(length: number): Promise<void> {
    await writing(`truncate ${this.path}`, () => this.#handle.truncate(length));
  }

  /** Like another file, where the file system lets us. */
  async takeAfter(like: { readonly mode: number; readonly uid: number; readonly gid: number }) {
    await writing(`chmod ${this.path}`, () => this.#handle.chmod(like.mode & 0o7777));
    await unless(["EPERM", "EINVAL"], () => this.#handle.chown(like.uid, like.gid));
  }

  /** Exactly `mode`, whatever the umask. */
  async setMode(mode: number): Promise<void> {
    await writing(`chmod ${this.path}`, () => this.#handle.chmod(mode));
  }

  /** Brings what was written to the disk. */
  async sync(): Promise<void> {
    await writing(`sync ${this.path}`, () => this.#handle.datasync());
  }

  /** Brings it to `path`, in place of what was there. */
  async finish(path: string): Promise<void> {
    await this.#close();
    await writing(`rename ${this.path} ${path}`, () => rename(this.path, path));
    this.#state = "finished";
  }

  async #close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    await writing(`close ${this.path}`, () => this.#handle.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "finished") return;
    await tidying(() => this.#close());
    await tidying(() => unlink(this.path));
  }
}

/** One write; gives how many bytes it took. The promises of Node's file handles cost several times as much. */
function written(fd: number, chunk: Uint8Array, from: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, chunk, from, chunk.byteLength - from, position, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

/** Writes all of `chunk` at a place in a file. @throws {LayoutError} `layout.unwritable`, naming `path` */
export async function writeFully(
  handle: FileHandle,
  path: string,
  chunk: Uint8Array,
  position: number,
): Promise<void> {
  try {
    for (let done = 0; done < chunk.byteLength; ) {
      done += await written(handle.fd, chunk, done, position + done);
    }
  } catch (error) {
    throw fileError("layout.unwritable", `write ${path}`, error);
  }
}

/** Reads `blob` to its end into `file`; says what that was. A new blob's digest is made on the way: sha256. */
export async function fillWithBlob(
  file: UnfinishedFile,
  blob: BlobStream | NewBlob,
): Promise<Descriptor> {
  if (blob instanceof BlobStream) {
    await file.fill(blob);
    return blob.descriptor;
  }
  const hash = createHash("sha256");
  const size = await file.fill(blob, hash);
  const digest = parseDigest(`sha256:${hash.digest("hex")}`);
  return { mediaType: blob.mediaType, digest, size };
}
