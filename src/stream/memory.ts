/**
 * How many pieces of what is made here are in a reader's hands: the one it was given, and the one before, which it may still
 * be writing while it waits. Those older go round.
 */
export const piecesInUse = 2;

/**
 * Gives the memory behind `bytes` back at once. zlib allocates for every piece it makes, and left to the collector those
 * pieces make a process tens of megabytes larger. Only for memory that nobody else looks at, thread or reader: afterwards
 * `bytes` is empty. Memory shared with other small buffers is left alone.
 */
export function giveBack(bytes: Uint8Array): void {
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > Buffer.poolSize) {
    bytes.buffer.transfer(0);
  }
}
