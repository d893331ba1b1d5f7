import { zstdParams } from "../zstd.ts";
import { ChunkedWriter } from "./chunked-writer.ts";

/**
 * A tar as zstd:chunked, made while it is read.
 *
 * @param told the annotations that its descriptor needs, at the end
 * @throws {ContentError} `content.bad-tar`
 */
export async function* zstdChunked(
  tar: AsyncIterable<Uint8Array>,
  level: number | undefined,
  told: (annotations: Readonly<Record<string, string>>) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const writer = new ChunkedWriter(zstdParams(level));
  try {
    for await (const bytes of tar) {
      writer.write(bytes);
      yield* writer.take();
    }
    told(writer.end());
    yield* writer.take();
  } finally {
    writer.close();
  }
}
