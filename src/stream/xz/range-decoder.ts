import { invalid } from "./errors.ts";

const probabilityBits = 11;
const adaptionBits = 5;
const certain = 1 << probabilityBits;

/** A model that knows nothing yet: so many probabilities of zeros and ones alike. */
export function unbiased(count: number): Uint16Array {
  return forget(new Uint16Array(count));
}

/** Makes it one that knows nothing. */
export function forget(model: Uint16Array): Uint16Array {
  return model.fill(certain / 2);
}

/** Decodes the bits of one chunk. Behind its end it reads zeros, and tells by {@link overran} that it did. */
export class RangeDecoder {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** Both are numbers of 32 bits without a sign, kept as such with one. */
  #range = -1;
  #code = 0;

  /** @throws {ContentError} where no chunk begins like this */
  begin(bytes: Uint8Array): void {
    if (bytes[0] !== 0) throw invalid("newRangeDecoder: first byte not zero");
    this.#bytes = bytes;
    this.#at = 1;
    this.#end = bytes.byteLength;
    this.#range = -1;
    this.#code = 0;
    for (let count = 0; count < 4; count++) this.#shift();
    if (this.#code === -1) throw invalid("newRangeDecoder: d.code >= d.nrange");
  }

  /** Whether all was read, and it was the end. */
  get isAtEnd(): boolean {
    return this.#at === this.#end && this.#code === 0;
  }

  get overran(): boolean {
    return this.#at > this.#end;
  }

  #shift(): void {
    const byte = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0;
    this.#at += 1;
    this.#code = (this.#code << 8) | byte;
  }

  /** A bit by the probability at a place of a model, which learns from it. */
  bit(model: Uint16Array, at: number): number {
    const probability = model[at] ?? 0;
    const range = this.#range;
    const bound = Math.imul(range >>> probabilityBits, probability);
    let bit = 0;
    if (this.#code >>> 0 < bound >>> 0) {
      this.#range = bound;
      model[at] = probability + ((certain - probability) >>> adaptionBits);
    } else {
      this.#range = (range - bound) | 0;
      this.#code = (this.#code - bound) | 0;
      model[at] = probability - (probability >>> adaptionBits);
      bit = 1;
    }
    if (this.#range >>> 24 === 0) {
      this.#range <<= 8;
      this.#shift();
    }
    return bit;
  }

  /** Bits that are as often 0 as 1, the highest first. */
  direct(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left--) {
      this.#range >>>= 1;
      const isOne = this.#code >>> 0 >= this.#range >>> 0;
      if (isOne) this.#code = (this.#code - this.#range) | 0;
      value = (value << 1) | (isOne ? 1 : 0);
      if (this.#range >>> 24 === 0) {
        this.#range <<= 8;
        this.#shift();
      }
    }
    return value;
  }

  /** A number of so many bits, the highest first, each with a probability for what came before it; `from` is the model's place. */
  tree(model: Uint16Array, from: number, count: number): number {
    let node = 1;
    for (let left = count; left > 0; left--) node = (node << 1) | this.bit(model, from + node);
    return node - (1 << count);
  }

  /** The same with the lowest bit first. */
  reverseTree(model: Uint16Array, from: number, count: number): number {
    let node = 1;
    let value = 0;
    for (let at = 0; at < count; at++) {
      const bit = this.bit(model, from + node);
      node = (node << 1) | bit;
      value |= bit << at;
    }
    return value;
  }
}
