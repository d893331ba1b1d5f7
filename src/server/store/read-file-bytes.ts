import { read } from "node:fs";
import type { ByteRange } from "../v2/backend.ts";

const pieceBytes = 256 * 1024;

/** The bytes of an open file in order; a chunk is good until the next is asked for. Ends early where the file does. */
export async function* readFileBytes(
  fd: number,
  { start, end }: ByteRange,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(pieceBytes, end - start)));
  for (let at = start; at < end; ) {
    signal?.throwIfAborted();
    const count = await readAt(fd, buffer, Math.min(buffer.byteLength, end - at), at);
    if (count === 0) return;
    yield buffer.subarray(0, count);
    at += count;
  }
}

function readAt(fd: number, into: Buffer, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, length, position, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}
