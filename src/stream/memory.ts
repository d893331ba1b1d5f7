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
