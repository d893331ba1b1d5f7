/** Bytes that look random and depend on the seed alone (xorshift32); so many that gzip gains nothing. */
export function randomBytesOf(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size + 4);
  let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) | 0 || 1;
  for (let at = 0; at < size; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, at);
  }
  return bytes.subarray(0, size);
}
