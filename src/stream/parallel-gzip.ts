import { constants, crc32, createDeflateRaw, type ZlibOptions } from "node:zlib";
import { ContentError } from "../core/errors.ts";
import { DeflateThreads } from "./deflate/threads.ts";
import { type Block, BlockCutter, BlockMemory } from "./gzip-blocks.ts";
import { giveBack, piecesInUse } from "./memory.ts";
import { Slots } from "./slots.ts";

/** Blocks a stream may have on their way, being deflated or waiting to be read, where it is alone. */
const mostAhead = 4;

/** The first blocks of a stream are left to zlib: for a little content, starting a thread takes longer than it saves. */
const zlibBlocks = 8;

/** The level of zlib for them: the fastest whose result is no larger than that of the Go tools' default. */
const zlibLevel = 4;

/** No name, no time, no system — RFC 1952 § 2.3. */
const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/** An empty last block, of fixed codes: ends a deflate stream that stands at a byte boundary. */
const lastBlock = [0x03, 0x00];

/** Deflates blocks side by side: where no level was asked for, with our own encoder, else on libuv's threads. One for a run: its streams share the cores and the memory. */
export class ParallelGzip {
  readonly #slots: Slots;
  readonly #parallel: number;
  readonly #memory = new BlockMemory();
  readonly #threads = new DeflateThreads();
  #streams = 0;

  /** @param parallel how many blocks are deflated at once */
  constructor(parallel: number) {
    this.#slots = new Slots(parallel);
    this.#parallel = parallel;
  }

  /** With many streams, one block of each keeps the threads busy. */
  get #blocksAhead(): number {
    const share = Math.floor((4 * this.#parallel) / this.#streams);
    return Math.max(1, Math.min(mostAhead, share));
  }

  /**
   * One gzip member: each block is deflated by itself with the 32 KiB before it as dictionary, and flushed to a byte
   * boundary, so that they join. The same content gives the same bytes, however it was cut and whatever ran beside it.
   * For the life of what comes out see {@link piecesInUse}.
   *
   * @param level 0 to 9; -1 is the default, -2 Huffman coding alone, as Go counts them
   * @throws {ContentError} `content.bad-compression` for a level that there is not
   */
  async *packed(
    source: AsyncIterable<Uint8Array>,
    level = -1,
  ): AsyncGenerator<Uint8Array, void, void> {
    const settings = deflateSettings(level);
    let blocks = 0;
    const cutter = new BlockCutter(this.#memory);
    const out = new PackedQueue(this.#memory);
    const start = async () => {
      const slot = await this.#slots.take();
      const own = level === -1 && blocks++ >= zlibBlocks;
      const block = cutter.take();
      out.push(own ? this.#deflated(block, slot) : deflated(block, settings, slot));
    };
    let crc = 0;
    let size = 0;
    this.#streams += 1;
    try {
      yield Uint8Array.from(header);
      for await (const chunk of source) {
        crc = crc32(chunk, crc);
        size += chunk.byteLength;
        for (let at = 0; at < chunk.byteLength; ) {
          at += cutter.fill(chunk, at);
          if (cutter.full) await start();
          while (out.length >= this.#blocksAhead) yield await out.next();
        }
      }
      if (cutter.begun) await start();
      while (out.length > 0) yield await out.next();
      yield trailer(crc, size);
    } finally {
      this.#streams -= 1;
      cutter.end();
      await out.settled();
    }
  }

  async #deflated({ memory, dictionary, content }: Block, slot: Disposable): Promise<Packed> {
    using _ = slot;
    const done = await this.#threads.run({
      memory: memory.buffer as ArrayBuffer,
      start: content.byteOffset,
      before: dictionary.byteLength,
      length: content.byteLength,
    });
    return { memory: Buffer.from(done.memory), length: done.length };
  }
}

function trailer(crc: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(lastBlock.length + 8);
  bytes.set(lastBlock);
  bytes.writeUInt32LE(crc, lastBlock.length);
  bytes.writeUInt32LE(size % 2 ** 32, lastBlock.length + 4);
  return bytes;
}

interface DeflateSettings {
  readonly level: number;
  readonly memLevel: number;
  readonly strategy: number;
}

/** With the larger hash table (memLevel 9) level 4 is faster and 0.2 % larger. */
function deflateSettings(level: number): DeflateSettings {
  if (!Number.isInteger(level) || level < -2 || level > 9) {
    throw new ContentError("content.bad-compression", `gzip: invalid compression level: ${level}`);
  }
  const { Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY } = constants;
  return {
    level: level < 0 ? zlibLevel : level,
    memLevel: 9,
    strategy: level === -2 ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY,
  };
}

/** A block that was deflated, in the memory of its content. */
interface Packed {
  readonly memory: Buffer;
  readonly length: number;
}

async function deflated(
  { memory, dictionary, content }: Block,
  settings: DeflateSettings,
  slot: Disposable,
): Promise<Packed> {
  using _ = slot;
  const pieces = await deflatedPieces(content, {
    ...settings,
    ...(dictionary.byteLength > 0 && { dictionary }),
    flush: constants.Z_SYNC_FLUSH,
    chunkSize: memory.byteLength, // room for all, so that there is one piece
  });
  let length = 0;
  for (const piece of pieces) {
    memory.set(piece, length);
    length += piece.byteLength;
    giveBack(piece);
  }
  return { memory, length };
}

/** One write and no end: node's one-shot functions make two jobs and a copy of it. */
function deflatedPieces(content: Uint8Array, options: ZlibOptions): Promise<readonly Buffer[]> {
  const engine = createDeflateRaw(options);
  const pieces: Buffer[] = [];
  engine.on("data", (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    engine.on("error", reject);
    engine.write(content, () => {
      engine.destroy();
      resolve(pieces);
    });
  });
}

/** Blocks on their way, in order, and the memory of those that were read. */
class PackedQueue {
  readonly #pool: BlockMemory;
  readonly #ahead: Promise<Packed>[] = [];
  readonly #lent: Buffer[] = [];

  constructor(pool: BlockMemory) {
    this.#pool = pool;
  }

  get length(): number {
    return this.#ahead.length;
  }

  push(packed: Promise<Packed>): void {
    packed.catch(() => undefined); // its failure counts when its turn comes
    this.#ahead.push(packed);
  }

  /** The first of them; what no reader has any more is used again. */
  async next(): Promise<Uint8Array> {
    const { memory, length } = await (this.#ahead.shift() as Promise<Packed>);
    this.#lent.push(memory);
    if (this.#lent.length > piecesInUse) this.#pool.give(this.#lent.shift() as Buffer);
    return memory.subarray(0, length);
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#ahead);
  }
}
