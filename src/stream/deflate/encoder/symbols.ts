// Lengths and distances are told by a symbol and some bits after it — RFC 1951 § 3.2.5. Both here begin at 0.

/** @param length that of the match less 3: 0 to 255 */
export function lengthSymbol(length: u32): u32 {
  if (length === 255) return 28;
  if (length < 8) return length;
  const bits: u32 = 29 - clz(length);
  return (bits << 2) + (length >>> bits);
}

/** Bits after a length's symbol. */
export function lengthBits(symbol: u32): u32 {
  return symbol < 8 || symbol === 28 ? 0 : (symbol >>> 2) - 1;
}

/** The least length less 3 of a symbol. */
export function leastLength(symbol: u32): u32 {
  if (symbol === 28) return 255;
  return symbol < 8 ? symbol : (4 | (symbol & 3)) << lengthBits(symbol);
}

/** @param distance less 1: 0 to 32767 */
export function distanceSymbol(distance: u32): u32 {
  if (distance < 4) return distance;
  const bits: u32 = 30 - clz(distance);
  return (bits << 1) + (distance >>> bits);
}

/** Bits after a distance's symbol: the lowest ones of the distance. */
export function distanceBits(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >>> 1) - 1;
}
