import { ContentError } from "../core/errors.ts";

/**
 * The whole of `bytes` in one piece of memory of its own.
 *
 * @throws {ContentError} `content.too-large` past `maxBytes`
 */
export async function readBounded(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
  what: string,
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new ContentError(
        "content.too-large",
        `exceeded maximum allowed size of ${maxBytes} bytes: ${what}`,
      );
    }
    chunks.push(Buffer.from(chunk)); // a copy: a chunk's memory is used again
  }
  return Buffer.concat(chunks, size);
}
