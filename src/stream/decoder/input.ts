import { ContentError } from "../../core/errors.ts";

/** A decoder at work: each piece lasts until the next is asked for; undefined asks for more input. */
export type Decoding = Generator<Uint8Array | undefined, void, void>;

/** Content that breaks off: Go's words for it. */
export function brokenOff(): ContentError {
  return new ContentError("content.bad-compression", "unexpected EOF");
}

const firstCapacity = 64 * 1024;

/**
 * Packed bytes that came and are not decoded yet, in one piece of memory: from {@link start} to {@link end} of {@link bytes}.
 * They are copied when they come, so that what they were copied from may be used again; {@link add} moves them.
 */
export class Input {
  bytes: Uint8Array = new Uint8Array(firstCapacity);
  start = 0;
  end = 0;
  /** Nothing more will be added. */
  ended = false;
  /** How many bytes came before {@link bytes}. */
  #before = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** How many bytes were decoded, of all that came. */
  get passed(): number {
    return this.#before + this.start;
  }

  add(more: Uint8Array): void {
    this.#makeRoom(more.byteLength);
    this.bytes.set(more, this.end);
    this.end += more.byteLength;
  }

  #makeRoom(count: number): void {
    if (this.end + count <= this.bytes.byteLength) return;
    const needed = this.length + count;
    if (needed <= this.bytes.byteLength) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.byteLength));
      larger.set(this.bytes.subarray(this.start, this.end));
      this.bytes = larger;
    }
    this.#before += this.start;
    this.end = this.length;
    this.start = 0;
  }

  /** The next bytes, which have to be there; they last until more are added. */
  take(count: number): Uint8Array {
    const taken = this.bytes.subarray(this.start, this.start + count);
    this.start += count;
    return taken;
  }
}

/** Waits until so many bytes are there, or no more will come; tells which. */
export function* has(input: Input, count: number): Generator<undefined, boolean, void> {
  while (input.length < count && !input.ended) yield undefined;
  return input.length >= count;
}

/** Waits for so many bytes. @throws {ContentError} `content.bad-compression` where fewer come */
export function* need(input: Input, count: number): Generator<undefined, void, void> {
  if (!(yield* has(input, count))) throw brokenOff();
}
