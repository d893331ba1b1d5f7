import { write } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { unless } from "../../layout/errors.ts";
import { syncDescriptor } from "../../stream/group-sync.ts";
import type { TryLock } from "./file-lock.ts";

const syncEveryBytes = 32 * 1024 * 1024;

/** A file in `uploads` that we alone write, from its end on. */
export class GrowingFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #size: number;
  #syncedAt: number;
  #syncing: Promise<void> | undefined;
  /** The system tells of a failure to write once, to whoever asks first. */
  #lost: unknown;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
    this.#syncedAt = size;
  }

  /** Makes it. */
  static async create(path: string): Promise<GrowingFile> {
    return new GrowingFile(path, await open(path, "wx+", 0o644), 0);
  }

  /** Undefined where there is none. */
  static async open(path: string): Promise<GrowingFile | undefined> {
    const handle = await unless(["ENOENT"], () => open(path, "r+"));
    if (handle === undefined) return undefined;
    try {
      return new GrowingFile(path, handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  get size(): number {
    return this.#size;
  }

  /** Writes all of `chunk` at the end. Where that fails the file ends where it did before, if that can be done. */
  async append(chunk: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < chunk.byteLength; ) {
        done += await this.#write(chunk, done, this.#size + done);
      }
      this.#size += chunk.byteLength;
      if (this.#size - this.#syncedAt >= syncEveryBytes) this.#beginSync();
    } catch (error) {
      await this.cutTo(this.#size).catch(() => {});
      throw error;
    }
  }

  /** The promises of Node's file handles cost several times as much. */
  #write(chunk: Uint8Array, from: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = chunk.byteLength - from;
      write(this.#handle.fd, chunk, from, length, position, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  /** Takes back what was written behind `size`. */
  async cutTo(size: number): Promise<void> {
    await this.#handle.truncate(size);
    this.#size = size;
  }

  /** All of it is on the disk when it returns. */
  async sync(): Promise<void> {
    await this.#syncing;
    if (this.#lost !== undefined) throw this.#lost;
    await syncDescriptor(this.#handle.fd);
  }

  /** Lets the disk begin while more is coming, so that there is less to wait for at the end. */
  #beginSync(): void {
    if (this.#syncing !== undefined) return;
    this.#syncedAt = this.#size;
    this.#syncing = syncDescriptor(this.#handle.fd)
      .catch((error: unknown) => {
        this.#lost = error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  /** Makes it ours alone for as long as it is open; false where somebody has it, or has removed it: it is closed then. */
  async lockOrClose(tryLock: TryLock): Promise<boolean> {
    let locked = false;
    try {
      locked = tryLock(this.#handle.fd) && (await this.#handle.stat()).nlink > 0;
    } finally {
      if (!locked) await this[Symbol.asyncDispose]();
    }
    return locked;
  }

  /** Takes the name away; what has been linked stays. */
  async unlink(): Promise<void> {
    await unless(["ENOENT"], () => unlink(this.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#syncing;
    await this.#handle.close();
  }
}
