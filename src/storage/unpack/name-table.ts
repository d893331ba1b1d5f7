import type { ByteString } from "../../stream/tar/byte-string.ts";

/**
 * Numbers by name, for millions of names: a name is kept as 64 bits of hash, twelve bytes in all. Two names that share them
 * are taken for one; the seeds are drawn, so that nobody can make such names.
 */
export class NameTable {
  #capacity = 1024;
  #hashes = new Int32Array(2 * 1024);
  /** One more than the number, 0 where there is none. */
  #values = new Int32Array(1024);
  #size = 0;
  #high = 0;
  #low = 0;
  readonly #seeds: readonly [number, number];

  /** @param seeds two numbers nobody knows */
  constructor(seeds: readonly [number, number]) {
    this.#seeds = seeds;
  }

  /** The number of a name; undefined where it has none. Numbers are 0 to 2^31-2. */
  get(name: ByteString): number | undefined {
    const value = this.#values[this.#find(name)] ?? 0;
    return value === 0 ? undefined : value - 1;
  }

  set(name: ByteString, value: number): void {
    const slot = this.#find(name);
    if (this.#values[slot] === 0) this.#size += 1;
    this.#put(slot, value + 1);
    if (this.#size * 4 > this.#capacity * 3) this.#grow();
  }

  #put(slot: number, value: number): void {
    this.#values[slot] = value;
    this.#hashes[2 * slot] = this.#high;
    this.#hashes[2 * slot + 1] = this.#low;
  }

  #find(name: ByteString): number {
    this.#hash(name);
    return this.#slot();
  }

  /** Where the hash at hand is, or would be. */
  #slot(): number {
    const mask = this.#capacity - 1;
    for (let slot = this.#low & mask; ; slot = (slot + 1) & mask) {
      if (this.#values[slot] === 0) return slot;
      if (this.#hashes[2 * slot] === this.#high && this.#hashes[2 * slot + 1] === this.#low) {
        return slot;
      }
    }
  }

  #hash(name: ByteString): void {
    let [high, low] = this.#seeds;
    for (let at = 0; at < name.length; at++) {
      const byte = name.charCodeAt(at);
      high = Math.imul(high ^ byte, 0x01000193);
      low = Math.imul((low << 5) ^ (low >>> 27) ^ byte, 0x9e3779b1 | 0);
    }
    high ^= high >>> 15;
    this.#high = Math.imul(high, 0x85ebca6b | 0) ^ (low >>> 16);
    this.#low = Math.imul(low ^ (low >>> 13), 0xc2b2ae35 | 0) ^ (high >>> 16);
  }

  #grow(): void {
    const [hashes, values] = [this.#hashes, this.#values];
    this.#capacity *= 2;
    this.#hashes = new Int32Array(2 * this.#capacity);
    this.#values = new Int32Array(this.#capacity);
    for (let old = 0; old < values.length; old++) {
      if (values[old] === 0) continue;
      this.#high = hashes[2 * old] ?? 0;
      this.#low = hashes[2 * old + 1] ?? 0;
      this.#put(this.#slot(), values[old] ?? 0);
    }
  }
}
