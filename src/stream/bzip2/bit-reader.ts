import type { Input } from "../decoder/input.ts";

/** The bits that are there do not suffice. */
export class OutOfBits extends Error {}

/**
 * Reads bits, the highest of a byte first, ahead of where the input says it is. Past its end it reads zeros for a while, and
 * tells by {@link overran} that it did.
 */
export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** The next bits, from the highest down, and how many of them there are. */
  #bits = 0;
  #count = 0;
  #zeros = 0;

  /** Goes to so many bits behind the beginning of what `input` has: fewer than eight. */
  open(input: Input, skipped: number): void {
    this.#bytes = input.bytes;
    this.#at = input.start;
    this.#end = input.end;
    this.#bits = 0;
    this.#count = 0;
    this.#zeros = 0;
    if (skipped > 0) this.read(skipped);
  }

  /** How many whole bytes before `input`'s beginning and here, and how many bits more. */
  passed(input: Input): { readonly bytes: number; readonly bits: number } {
    const bits = (this.#at - input.start) * 8 + this.#zeros - this.#count;
    return { bytes: bits >> 3, bits: bits & 7 };
  }

  get overran(): boolean {
    return this.#zeros > this.#count;
  }

  /** At least 25 bits are ready then. @throws {OutOfBits} a few bits behind the end */
  #fill(): void {
    while (this.#count <= 24) {
      if (this.#at < this.#end) {
        this.#bits |= (this.#bytes[this.#at++] ?? 0) << (24 - this.#count);
      } else if (this.overran) {
        throw new OutOfBits();
      } else {
        this.#zeros += 8;
      }
      this.#count += 8;
    }
  }

  /** The next bits, up to 24 of them, as a number. */
  read(count: number): number {
    if (this.#count < count) this.#fill();
    const value = this.#bits >>> (32 - count);
    this.drop(count);
    return value;
  }

  /** The next 32 bits, as a signed number. */
  readWord(): number {
    return (this.read(16) << 16) | this.read(16);
  }

  /** The next 20 bits, which stay. */
  peek(): number {
    if (this.#count < 20) this.#fill();
    return this.#bits >>> 12;
  }

  /** Passes over bits that were peeked at. */
  drop(count: number): void {
    this.#bits <<= count;
    this.#count -= count;
  }
}
