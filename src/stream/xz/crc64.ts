/** The remainders of each byte, in halves of 32 bits: ECMA-182's polynomial, lowest bit first. */
const lows = new Int32Array(256);
const highs = new Int32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (isOdd) {
      low ^= 0xd7870f42;
      high ^= 0xc96c5795;
    }
  }
  lows[byte] = low;
  highs[byte] = high;
}

/** The CRC-64 of what passes. */
export class Crc64 {
  #low = -1;
  #high = -1;

  update(bytes: Uint8Array): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < bytes.byteLength; at++) {
      const byte = (low ^ (bytes[at] ?? 0)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (lows[byte] ?? 0);
      high = (high >>> 8) ^ (highs[byte] ?? 0);
    }
    this.#low = low;
    this.#high = high;
  }

  /** As it stands behind a block. */
  digest(): Buffer {
    const sum = Buffer.alloc(8);
    sum.writeInt32LE(~this.#low, 0);
    sum.writeInt32LE(~this.#high, 4);
    return sum;
  }
}
