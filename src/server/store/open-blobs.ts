import type { FileHandle } from "node:fs/promises";
import type { Digest } from "../../core/digest.ts";
import type { ByteRange, OpenBlob } from "../v2/backend.ts";
import type { BlobFiles } from "./blob-files.ts";
import { readFileBytes } from "./read-file-bytes.ts";

/** So many files stay open that nobody reads right now. */
const maxIdle = 128;

/** A file that any number of readers share; the last one closes it once it is let go. */
class SharedFile {
  readonly handle: FileHandle;
  readonly size: number;
  /** Whether somebody wanted it since {@link OpenBlobs} last looked. */
  wanted = false;
  #users = 0;
  #kept = true;

  constructor(handle: FileHandle, size: number) {
    this.handle = handle;
    this.size = size;
  }

  get idle(): boolean {
    return this.#users === 0;
  }

  async letGo(): Promise<void> {
    this.#kept = false;
    if (this.idle) await this.handle.close();
  }

  open(): OpenBlob {
    this.#users++;
    let open = true;
    return {
      size: this.size,
      descriptor: this.handle.fd,
      read: (range: ByteRange, signal: AbortSignal) => readFileBytes(this.handle.fd, range, signal),
      [Symbol.asyncDispose]: async () => {
        if (!open) return;
        open = false;
        this.#users--;
        if (this.idle && !this.#kept) await this.handle.close();
      },
    };
  }
}

/** Blobs that are open for reading: small ones are asked for again and again. */
export class OpenBlobs {
  readonly #blobs: BlobFiles;
  /** Oldest first. The order is not that of use: to move a file in the map at each use leaves much behind. */
  readonly #files = new Map<string, SharedFile>();
  #generation = 0;

  constructor(blobs: BlobFiles) {
    this.#blobs = blobs;
  }

  /** One that is open already. */
  find(repository: string, digest: Digest): OpenBlob | undefined {
    const key = `${repository} ${digest}`;
    const file = this.#files.get(key);
    if (file === undefined) return undefined;
    file.wanted = true;
    return file.open();
  }

  /** Undefined where the repository has no such file. */
  async open(repository: string, digest: Digest): Promise<OpenBlob | undefined> {
    const generation = this.#generation;
    const handle = await this.#blobs.open(repository, digest);
    if (handle === undefined) return undefined;
    const file = new SharedFile(handle, await sizeOf(handle));
    const blob = file.open();
    const key = `${repository} ${digest}`;
    if (generation === this.#generation && !this.#files.has(key)) {
      this.#files.set(key, file);
      await this.#letIdleGo();
    } else {
      await file.letGo();
    }
    return blob;
  }

  async #letIdleGo(): Promise<void> {
    if (this.#files.size <= maxIdle) return;
    for (const [key, file] of this.#files) {
      if (!file.idle) continue;
      this.#files.delete(key);
      if (!file.wanted) return await file.letGo();
      file.wanted = false; // it comes round once more
      this.#files.set(key, file);
    }
  }

  /** What was removed is not found any more; who has it open reads on. */
  async forget(repository: string, digest: Digest): Promise<void> {
    this.#generation++;
    const key = `${repository} ${digest}`;
    const file = this.#files.get(key);
    this.#files.delete(key);
    await file?.letGo();
  }

  async forgetAll(): Promise<void> {
    this.#generation++;
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map((file) => file.letGo()));
  }
}

async function sizeOf(handle: FileHandle): Promise<number> {
  try {
    return (await handle.stat()).size;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
