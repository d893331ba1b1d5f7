import type { NewBlob } from "../stream/blob-stream.ts";

/** The blob, its number of bytes told. Disposing of it disposes of the blob. */
export function sizedBlob(blob: NewBlob, size: number): NewBlob {
  return {
    mediaType: blob.mediaType,
    size,
    [Symbol.asyncIterator]: () => blob[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => blob[Symbol.asyncDispose](),
  };
}
