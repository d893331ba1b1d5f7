import { chunksInUse } from "../../stream/blob-stream.ts";

/** Sizes of the memory that is read into: a small piece until a big body is known to come. */
const smallBlock = 16 * 1024;
const largeBlock = 512 * 1024;
/** Below this a block counts as full: a read into less room is not worth its call. */
const leastRoom = { small: 2 * 1024, large: 64 * 1024 };
/** Unread bytes at which reading pauses. */
const enough = { small: 64 * 1024, large: 2 * largeBlock };

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

/** Large blocks that nobody uses at the moment, shared by the connections of a client. */
export class SpareBlocks {
  readonly #spare: Uint8Array[] = [];
  readonly #keep: number;

  constructor(keep: number) {
    this.#keep = keep;
  }

  take(): Uint8Array {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(largeBlock);
  }

  give(memory: Uint8Array): void {
    if (memory.byteLength === largeBlock && this.#spare.length < this.#keep) {
      this.#spare.push(memory);
    }
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
  readonly #spare: SpareBlocks;
  #unread = 0;
  #large = false;

  constructor(spare: SpareBlocks) {
    this.#spare = spare;
  }

  /** Bytes received and not taken. */
  get unread(): number {
    return this.#unread;
  }

  /** Whether the socket should go on reading. */
  get hungry(): boolean {
    return this.#unread < (this.#large ? enough.large : enough.small) / 2;
  }

  /** Whether many bytes are expected, so that large blocks pay. */
  get large(): boolean {
    return this.#large;
  }

  set large(large: boolean) {
    this.#large = large;
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
    const memory = this.#large ? this.#spare.take() : Buffer.allocUnsafeSlow(smallBlock);
    this.#blocks.push({ memory, filled: 0, taken: 0, lent: 0, retired: false });
    return memory;
  }

  /** The first `count` bytes of the room were filled. False: that is enough, pause. */
  filled(count: number): boolean {
    const last = this.#blocks.at(-1);
    if (last !== undefined) last.filled += count;
    this.#unread += count;
    return this.#unread < (this.#large ? enough.large : enough.small);
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

  /** The reader has all it will get, and may still hold its last chunks for as long as it likes. */
  retireLent(): void {
    for (const block of this.#lent.splice(0)) block.retired = true;
    this.#large = false;
  }

  /** Forgets all that was received. */
  drop(): void {
    this.#blocks.length = 0;
    this.#unread = 0;
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
    if (isFree(block)) this.#spare.give(block.memory);
  }
}

const nothing = new Uint8Array(0);

function isFree(block: Block): boolean {
  return block.lent === 0 && !block.retired;
}

function roomIn(block: Block): boolean {
  const room = block.memory.byteLength - block.filled;
  return room >= (block.memory.byteLength === largeBlock ? leastRoom.large : leastRoom.small);
}
