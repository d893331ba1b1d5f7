const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 24;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder << 1) ^ (remainder < 0 ? 0x04c11db7 : 0);
  }
  return remainder;
});

/** bzip2's sum: CRC-32 with the highest bit first, which zlib's is not. Begin with −1; the result is its complement. */
export function addToCrc(crc: number, bytes: Uint8Array): number {
  let sum = crc;
  for (let at = 0; at < bytes.byteLength; at++) {
    sum = (sum << 8) ^ (table[((sum >>> 24) ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return sum;
}
