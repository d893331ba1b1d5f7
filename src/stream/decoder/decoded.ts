import { setImmediate as turn } from "node:timers/promises";
import { chunksInUse } from "../blob-stream.ts";
import type { DecodedFormat } from "./decoder.ts";

/**
 * All that `source` unpacks to, by the decoders that are ours, which are loaded here. They run on this thread, which gets to
 * its other work between pieces. What comes out lives as long as a blob's raw bytes ({@link chunksInUse}).
 *
 * @throws {ContentError} `content.bad-compression`, or the source's own failure
 */
export async function* decoded(
  source: AsyncIterable<Uint8Array>,
  format: DecodedFormat,
  onInput: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const { Decoder } = await import("./decoder.ts");
  const decoder = new Decoder(format);
  const copies = new Copies();
  for await (const chunk of source) {
    onInput(chunk.byteLength);
    yield* inTurns(decoder.write(chunk), copies);
  }
  yield* inTurns(decoder.end(), copies);
}

async function* inTurns(
  pieces: Iterable<Uint8Array>,
  copies: Copies,
): AsyncGenerator<Uint8Array, void, void> {
  for (const piece of pieces) {
    yield copies.of(piece);
    await turn();
  }
}

/** Copies in memory that goes round. */
class Copies {
  readonly #ring: Buffer[] = [];
  #turn = 0;

  of(piece: Uint8Array): Uint8Array {
    let memory = this.#ring[this.#turn];
    if (!memory || memory.byteLength < piece.byteLength) {
      memory = Buffer.allocUnsafeSlow(piece.byteLength);
      this.#ring[this.#turn] = memory;
    }
    this.#turn = (this.#turn + 1) % chunksInUse;
    memory.set(piece);
    return memory.subarray(0, piece.byteLength);
  }
}
