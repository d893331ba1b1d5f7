import type { StagedLayer, StagingPool, Store } from "../../storage/store.ts";
import type { SharedThread } from "../../storage/unpack/thread.ts";
import { BlobStream } from "../../stream/blob-stream.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { LayerBlob } from "./unpack-blob.ts";

/** A blob up to this is unpacked in less time than a thread takes to start. */
const smallBytes = 64 * 1024;

/** Whether a blob's bytes are few, and verified when all are read. */
export function isSmall({ bytes }: LayerBlob): boolean {
  return bytes instanceof BlobStream && isFew(bytes.descriptor.size);
}

function isFew(size: number): boolean {
  return size >= 0 && size <= smallBytes;
}

/** The small layers of one image: they share a thread, and a folder that it can touch. */
export class SmallLayers implements AsyncDisposable {
  readonly #pool: StagingPool;
  readonly thread: SharedThread;

  private constructor(pool: StagingPool, thread: SharedThread) {
    this.#pool = pool;
    this.thread = thread;
  }

  static async create(store: Store): Promise<SmallLayers> {
    // Native code is loaded with it: not before a layer comes.
    const { SharedThread } = await import("../../storage/unpack/thread.ts");
    const pool = await store.stagingPool();
    return new SmallLayers(pool, new SharedThread(pool.folders));
  }

  async stageLayer(): Promise<StagedLayer> {
    return await this.#pool.stageLayer();
  }

  /** The same blob, no byte of which is given away before all were verified: the thread has other layers in its reach. */
  verified(blob: LayerBlob): LayerBlob {
    return { ...blob, bytes: whole(blob.bytes) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#pool;
    await this.thread[Symbol.asyncDispose]();
  }
}

async function* whole(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  yield await readBounded(bytes, smallBytes, "a small layer");
}
