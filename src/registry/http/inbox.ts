import { chunksInUse } from "../../stream/blob-stream.ts";

/** Sizes of the memory that is read into: a small piece until a big body is known to come. */
const smallBlock = 16 * 1024;
const largeBlock = 512 * 1024;
/** Where few large bodies come at once, and memory is there: a byte costs less the more of them are read by one call. */
const roomyBlock = 2 * largeBlock;
const fewBodies = 8;
/** Below this a block counts as full: a read into less room is not worth its call. */
const leastRoom = { small: 2 * 1024, large: 64 * 1024 };
/** Unread bytes at which reading pauses, as long as no large body is expected. */
const enoughSmall = 64 * 1024;
/** Large blocks that are kept for the next body: memory made anew costs more than what is read into it. */
const spareBlocks = 16;

/** A piece of memory that a socket reads into from its start to its end, and whose bytes are taken in that order. */
interface Block {
  readonly memory: Uint8Array;
  filled: number;
  taken: number;
  /** Chunks handed out and not yet given back. */
  lent: number;
  /** Chunks of it are out for good: it is left to the garbage collector instead of used again. */
  retired: boolean;
}

/** The large blocks of a client: how large they are, and those that nobody uses at the moment. */
export class LargeBlocks {
  readonly #roomy: boolean;
  #spare: Uint8Array[] = [];
  #bodies = 0;

  /** @param roomy blocks may be of 1 MiB instead of 512 KiB */
  constructor(roomy: boolean) {
    this.#roomy = roomy;
  }

  /** Of a block that is taken now. */
  get bytes(): number {
    return this.#roomy && this.#bodies <= fewBodies ? roomyBlock : largeBlock;
  }

  /** A large body comes: to be told when it is {@link over}. */
  begun(): void {
    this.#bodies++;
  }

  /** What a large body is to the others. */
  over(): void {
    this.#bodies--;
  }

  take(): Uint8Array {
    const spare = this.#spare.pop();
    if (spare?.byteLength === this.bytes) return spare;
    this.#spare = []; // of the other size
    return Buffer.allocUnsafeSlow(this.bytes);
  }

  give(memory: Uint8Array): void {
    const fits = memory.byteLength === this.bytes;
    if (fits && this.#spare.length < spareBlocks) this.#spare.push(memory);
  }
}

/**
 * What a connection has received and nobody has taken yet, in blocks that are used again.
 *
 * The socket asks for {@link room}, fills it and says how much ({@link filled}). The reader looks ({@link peek}), and
 * skips or takes. A taken chunk keeps its block until {@link giveBackOldest} has come round to it.
 */
export class Inbox {
  /** Oldest first; the last is the one being filled. */
  readonly #blocks: Block[] = [];
  readonly #lent: Block[] = [];
  readonly #largeBlocks: LargeBlocks;
  #unread = 0;
  #large = false;

  constructor(large: LargeBlocks) {
    this.#largeBlocks = large;
  }

  /** Bytes received and not taken. */
  get unread(): number {
    return this.#unread;
  }

  /** Whether the socket should go on reading. */
  get hungry(): boolean {
    return this.#unread < this.#enough / 2;
  }

  /** Whether many bytes are expected, so that large blocks pay. */
  get large(): boolean {
    return this.#large;
  }

  set large(large: boolean) {
    if (large === this.#large) return;
    this.#large = large;
    if (large) this.#largeBlocks.begun();
    else this.#largeBlocks.over();
  }

  /** So many bytes of a large body are worth a turn of all who handle them. */
  get worthATurn(): number {
    return this.#largeBlocks.bytes / 2;
  }

  /** Memory for the next read: the same until {@link filled} is called. */
  room(): Uint8Array {
    const last = this.#blocks.at(-1);
    if (last !== undefined) {
      if (last.taken === last.filled && isFree(last)) {
        last.taken = 0;
        last.filled = 0;
      }
      if (roomIn(last)) return last.memory.subarray(last.filled);
      if (last.taken === last.filled) this.#leave(last);
    }
    const memory = this.#large ? this.#largeBlocks.take() : Buffer.allocUnsafeSlow(smallBlock);
    this.#blocks.push({ memory, filled: 0, taken: 0, lent: 0, retired: false });
    return memory;
  }

  /** The first `count` bytes of the room were filled. False: that is enough, pause. */
  filled(count: number): boolean {
    const last = this.#blocks.at(-1);
    if (last !== undefined) last.filled += count;
    this.#unread += count;
    return this.#unread < this.#enough;
  }

  /** Takes over memory whose bytes are then said to be {@link filled}. */
  adopt(memory: Uint8Array): void {
    this.#blocks.push({ memory, filled: 0, taken: 0, lent: 0, retired: true });
  }

  /** The oldest unread bytes that lie in one piece; empty where there are none. */
  peek(): Uint8Array {
    const first = this.#first();
    return first === undefined ? nothing : first.memory.subarray(first.taken, first.filled);
  }

  /** Drops `count` bytes of what {@link peek} showed. */
  skip(count: number): void {
    const first = this.#first();
    if (first === undefined) return;
    first.taken += count;
    this.#unread -= count;
    if (first.taken === first.filled && first !== this.#blocks.at(-1)) this.#leave(first);
  }

  /** Lends out at most `most` bytes of what {@link peek} showed. */
  take(most: number): Uint8Array {
    const first = this.#first();
    if (first === undefined) return nothing;
    const end = Math.min(first.filled, first.taken + most);
    const chunk = first.memory.subarray(first.taken, end);
    first.lent++;
    this.#lent.push(first);
    this.skip(chunk.byteLength);
    return chunk;
  }

  /** A chunk more is asked for: the one lent `chunksInUse` before it comes back. */
  giveBackOldest(): void {
    if (this.#lent.length < chunksInUse) return;
    const block = this.#lent.shift();
    if (block === undefined) return;
    block.lent--;
    if (!this.#blocks.includes(block)) this.#reuse(block);
  }

  /** The reader may hold the chunks it has for as long as it likes. */
  retainLent(): void {
    for (const block of this.#lent.splice(0)) block.retired = true;
  }

  /** The reader has all it will get, and may hold its last chunks. */
  retireLent(): void {
    this.retainLent();
    this.large = false;
  }

  /** Forgets all that was received. */
  drop(): void {
    this.large = false;
    this.#blocks.length = 0;
    this.#unread = 0;
  }

  /** Unread bytes at which reading pauses. */
  get #enough(): number {
    return this.#large ? 2 * this.#largeBlocks.bytes : enoughSmall;
  }

  #first(): Block | undefined {
    const first = this.#blocks[0];
    if (first === undefined || first.taken < first.filled || this.#blocks.length === 1)
      return first;
    this.#leave(first);
    return this.#first();
  }

  #leave(block: Block): void {
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
    this.#reuse(block);
  }

  #reuse(block: Block): void {
    if (isFree(block)) this.#largeBlocks.give(block.memory);
  }
}

const nothing = new Uint8Array(0);

function isFree(block: Block): boolean {
  return block.lent === 0 && !block.retired;
}

function roomIn(block: Block): boolean {
  const room = block.memory.byteLength - block.filled;
  return room >= (block.memory.byteLength >= largeBlock ? leastRoom.large : leastRoom.small);
}
