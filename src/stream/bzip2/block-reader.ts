import { ContentError } from "../../core/errors.ts";
import { brokenOff, has, type Input } from "../decoder/input.ts";
import { BitReader, OutOfBits } from "./bit-reader.ts";
import { Block } from "./block.ts";
import { invalid } from "./errors.ts";

/** How a block begins, and a stream's end: π and √π, by their halves. */
const blockMagic = [0x314159, 0x265359] as const;
const endMagic = [0x177245, 0x385090] as const;

const levelBytes = 100_000;

/** What stands behind a stream's last block. */
export interface StreamEnd {
  readonly crc: number;
}

/** Reads a stream's blocks one after the other, into the same memory. A block begins at any bit, and is read when all of it is there. */
export class BlockReader {
  readonly block = new Block();
  readonly #input: Input;
  readonly #bits = new BitReader();
  /** How many bits of the input's first byte have been read. */
  #read = 0;

  constructor(input: Input) {
    this.#input = input;
  }

  /** To be called behind a stream's first four bytes. @param level 1 to 9 */
  begin(level: number): void {
    this.block.capacity = level * levelBytes;
    this.#read = 0;
  }

  /**
   * Undefined where {@link block} is the next one now.
   *
   * It is tried with as much as a block is packed to. Where that does not suffice, as with blocks that nobody packs, it is tried
   * again with twice as much, which cannot be more than a few megabytes.
   */
  *next(): Generator<undefined, StreamEnd | undefined, void> {
    const input = this.#input;
    for (let wanted = this.block.capacity; ; wanted = 2 * input.length) {
      yield* has(input, wanted);
      this.#bits.open(input, this.#read);
      const found = attempt(this.#bits, this.block);
      if (found) return this.#pass(found);
      if (input.ended) throw brokenOff();
    }
  }

  #pass(found: StreamEnd | Block): StreamEnd | undefined {
    const passed = this.#bits.passed(this.#input);
    const isEnd = !(found instanceof Block);
    this.#input.start += passed.bytes + (isEnd && passed.bits > 0 ? 1 : 0);
    this.#read = passed.bits;
    return isEnd ? found : undefined;
  }
}

/** Undefined where the bits did not suffice: what is wrong may be the lack of them. */
function attempt(bits: BitReader, block: Block): StreamEnd | Block | undefined {
  try {
    const found = read(bits, block);
    return bits.overran ? undefined : found;
  } catch (error) {
    if (error instanceof OutOfBits || (error instanceof ContentError && bits.overran)) return;
    throw error;
  }
}

function read(bits: BitReader, block: Block): StreamEnd | Block {
  const [upper, lower] = [bits.read(24), bits.read(24)];
  if (upper === endMagic[0] && lower === endMagic[1]) return { crc: bits.readWord() };
  if (upper !== blockMagic[0] || lower !== blockMagic[1]) throw invalid("bad magic value found");
  block.read(bits);
  return block;
}
