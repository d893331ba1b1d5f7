/** Content bytes a block. Each costs a flush and a new start, about 0.1 % in size at this length; and memory. */
export const gzipBlockBytes = 512 * 1024;

/** How far back deflate refers — RFC 1951 § 2. */
const dictionaryBytes = 32 * 1024;

/** Memory of {@link Block}s that goes round, for all streams of a run. */
export class BlockMemory {
  readonly #idle: Buffer[] = [];

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(dictionaryBytes + gzipBlockBytes);
  }

  give(memory: Buffer): void {
    this.#idle.push(memory);
  }
}

/** A piece of content and what came right before it. */
export interface Block {
  /** Both lie in here, with room enough for what the content is packed into. */
  readonly memory: Buffer;
  readonly dictionary: Buffer;
  readonly content: Buffer;
}

/** Cuts a stream into blocks. */
export class BlockCutter {
  readonly #pool: BlockMemory;
  #memory: Buffer;
  #before = 0;
  #length = 0;

  constructor(pool: BlockMemory) {
    this.#pool = pool;
    this.#memory = pool.take();
  }

  get full(): boolean {
    return this.#length === gzipBlockBytes;
  }

  get begun(): boolean {
    return this.#length > 0;
  }

  /** Copies from `chunk[from]` on as much as fits, and says how much that was. */
  fill(chunk: Uint8Array, from: number): number {
    const count = Math.min(chunk.byteLength - from, gzipBlockBytes - this.#length);
    this.#memory.set(chunk.subarray(from, from + count), dictionaryBytes + this.#length);
    this.#length += count;
    return count;
  }

  /** The block so far; the next one begins with the end of it as dictionary. */
  take(): Block {
    const memory = this.#memory;
    const end = dictionaryBytes + this.#length;
    const block = {
      memory,
      dictionary: memory.subarray(dictionaryBytes - this.#before, dictionaryBytes),
      content: memory.subarray(dictionaryBytes, end),
    };
    this.#memory = this.#pool.take();
    memory.copy(this.#memory, 0, end - dictionaryBytes, end);
    this.#before = Math.min(dictionaryBytes, this.#before + this.#length);
    this.#length = 0;
    return block;
  }

  /** Gives back what was not taken. */
  end(): void {
    this.#pool.give(this.#memory);
  }
}
