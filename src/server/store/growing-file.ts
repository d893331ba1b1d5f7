import { write } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { unless } from "./errors.ts";
import { syncDescriptor } from "./group-sync.ts";

/** A file in `uploads` that we alone write, from its end on. */
export class GrowingFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
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

  async sync(): Promise<void> {
    await syncDescriptor(this.#handle.fd);
  }

  /** Whether the file still has the name, and no other file. */
  async isNamed(): Promise<boolean> {
    return (await this.#handle.stat()).nlink > 0;
  }

  /** Takes the name away; what has been linked stays. */
  async unlink(): Promise<void> {
    await unless(["ENOENT"], () => unlink(this.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
