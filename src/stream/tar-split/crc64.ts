/**
 * CRC-64/GO-ISO of bytes that come in pieces, as tar-split has it (`specs/containers-storage.md` 10.1): reflected polynomial 0xD800000000000000, all ones at first, inverted at the end.
 *
 * The polynomial's taps lie in the topmost bits, so that 32 bits of input fold into the sum at once, with a few shifts and no
 * table.
 */
export class Crc64 {
  #high = -1;
  #low = -1;

  /** Begins anew. */
  reset(): void {
    this.#high = -1;
    this.#low = -1;
  }

  /** Fast where `bytes` begin at a multiple of 4 in their memory. */
  update(bytes: Uint8Array): void {
    const words = bytes.byteOffset % 4 === 0 ? bytes.byteLength >>> 2 : 0;
    if (words > 0) this.#fold(new Int32Array(bytes.buffer, bytes.byteOffset, words));
    this.#tail(bytes, words * 4);
  }

  /** Four bytes at a time, in the order of little-endian memory. */
  #fold(words: Int32Array): void {
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at < words.length; at++) {
      const folded = low ^ (words[at] as number);
      low = high ^ (folded << 31) ^ (folded << 29) ^ (folded << 28);
      high = folded ^ (folded >>> 1) ^ (folded >>> 3) ^ (folded >>> 4);
    }
    this.#high = high;
    this.#low = low;
  }

  /** One byte at a time: the same fold of eight bits. */
  #tail(bytes: Uint8Array, from: number): void {
    for (let at = from; at < bytes.byteLength; at++) {
      const folded = (this.#low ^ (bytes[at] as number)) & 0xff;
      this.#low = (this.#low >>> 8) | (this.#high << 24);
      this.#high =
        (this.#high >>> 8) ^ (folded << 24) ^ (folded << 23) ^ (folded << 21) ^ (folded << 20);
    }
  }

  /** The sum as eight bytes, the most significant one first. */
  digest(): Buffer {
    const sum = Buffer.allocUnsafe(8);
    sum.writeInt32BE(~this.#high, 0);
    sum.writeInt32BE(~this.#low, 4);
    return sum;
  }

  /** Whether the sum is these two words, the high one first. */
  is([high, low]: readonly [number, number]): boolean {
    return ~this.#high === (high | 0) && ~this.#low === (low | 0);
  }
}
