import type { RandomAccess } from "../stream/random-access.ts";
import { LayoutError } from "./errors.ts";

const blockBytes = 1024 * 1024;

/**
 * All of `bytes`, held in memory in blocks that are filled one after the other.
 *
 * @throws {LayoutError} `layout.unsupported` past `maxBytes`, with `hint`
 */
export async function holdInMemory(
  bytes: AsyncIterable<Uint8Array>,
  { maxBytes, what, hint }: { maxBytes: number; what: string; hint: string },
): Promise<RandomAccess> {
  const blocks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    if (size + chunk.byteLength > maxBytes) {
      const text = `${what} is longer than the ${maxBytes} bytes that are held in memory`;
      throw new LayoutError("layout.unsupported", text, { hint });
    }
    for (let at = 0; at < chunk.byteLength; ) {
      if (size === blocks.length * blockBytes) blocks.push(Buffer.allocUnsafeSlow(blockBytes));
      const room = blockBytes - (size % blockBytes);
      const piece = chunk.subarray(at, at + room);
      blocks.at(-1)?.set(piece, size % blockBytes);
      at += piece.byteLength;
      size += piece.byteLength;
    }
  }
  return { size, read: async (into, position) => copyOut(blocks, size, into, position) };
}

function copyOut(
  blocks: readonly Buffer[],
  size: number,
  into: Uint8Array,
  position: number,
): number {
  const start = position % blockBytes;
  const wanted = Math.min(into.byteLength, size - position);
  if (wanted <= 0) return 0;
  return blocks[Math.floor(position / blockBytes)]?.copy(into, 0, start, start + wanted) ?? 0;
}
