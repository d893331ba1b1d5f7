import { read } from "node:fs";

/**
 * Reads up to `buffer`'s length from a file at `position`.
 *
 * @returns how many bytes; 0 at the file's end
 */
export function readAt(descriptor: number, buffer: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, 0, buffer.byteLength, position, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}
