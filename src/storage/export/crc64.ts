/**
 * CRC-64/GO-ISO, as tar-split has it: reflected polynomial 0xD800000000000000, all ones at the start and a complement at
 * the end — `specs/containers-storage.md` 10.1. Taps of the polynomial lie in its top bits only, so that 32 bits fold at
 * once without a table.
 */
export class Crc64 {
  #high = -1;
  #low = -1;

  reset(): void {
    this.#high = -1;
    this.#low = -1;
  }

  /** Fast where `bytes` begin at a multiple of 4 in their memory. */
  update(bytes: Uint8Array): void {
    const words = bytes.byteOffset % 4 === 0 ? bytes.byteLength >>> 2 : 0;
    if (words > 0) this.#fold(new Int32Array(bytes.buffer, bytes.byteOffset, words));
    for (let at = words * 4; at < bytes.byteLength; at++) this.#step(bytes[at] as number);
  }

  #fold(words: Int32Array): void {
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at < words.length; at++) {
      const word = low ^ (words[at] as number);
      low = high ^ (word << 31) ^ (word << 29) ^ (word << 28);
      high = word ^ (word >>> 1) ^ (word >>> 3) ^ (word >>> 4);
    }
    this.#high = high;
    this.#low = low;
  }

  #step(byte: number): void {
    let high = 0;
    let low = (this.#low ^ byte) & 0xff;
    for (let bit = 0; bit < 8; bit++) {
      const carry = low & 1;
      low = (low >>> 1) | ((high & 1) << 31);
      high = (high >>> 1) ^ (carry ? 0xd8000000 : 0);
    }
    this.#low = low ^ ((this.#low >>> 8) | (this.#high << 24));
    this.#high = high ^ (this.#high >>> 8);
  }

  /** Whether what was taken so far has the checksum of these two words, the high one first. */
  is([high, low]: readonly [number, number]): boolean {
    return ~this.#high === (high | 0) && ~this.#low === (low | 0);
  }
}
