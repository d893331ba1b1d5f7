/** How far back deflate refers, in bytes — RFC 1951 § 2. */
export const dictionaryBytes: u32 = 32768;

/** Bytes that are packed at once. */
export const mostContentBytes: u32 = 524288;

/** Symbols for literals and lengths of matches — RFC 1951 § 3.2.5. */
export const literalSymbols: u32 = 286;

/** Symbols for distances. */
export const distanceSymbols: u32 = 30;

/** Symbols for the lengths of codes — RFC 1951 § 3.2.7. */
export const lengthSymbols: u32 = 19;

/** The end of a block; symbols after it are lengths of matches. */
export const endOfBlock: u32 = 256;

/** The dictionary, which ends where the content begins, and the content. */
const window = memory.data(32768 + 524288 + 64, 16);

/** Where the content goes. */
export const content: usize = window + dictionaryBytes;

/** What comes out: no more than the content, the headers of its blocks, and what is written ahead. */
export const packed: usize = memory.data(524288 + 65536, 16);

/** The number at `array[index]`, of four bytes each. */
export function at(array: usize, index: u32): u32 {
  return load<u32>(array + ((index as usize) << 2));
}

/** Makes it `value`. */
export function put(array: usize, index: u32, value: u32): void {
  store<u32>(array + ((index as usize) << 2), value);
}

/** Adds one to it. */
export function increment(array: usize, index: u32): void {
  put(array, index, at(array, index) + 1);
}
