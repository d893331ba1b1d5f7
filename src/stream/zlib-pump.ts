import type { Transform } from "node:stream";
import { chunksInUse } from "./blob-stream.ts";
import { giveBack } from "./memory.ts";

/** One of node:zlib's streams: `bytesWritten` counts the input it has taken. */
export type ZlibStream = Transform & { readonly bytesWritten: number };

/**
 * How zlib's streams are made here. Large pieces, because each is one trip to the thread pool; and a readable side that is
 * full with one piece in it, so that the thread works on the next piece while this one is looked at, and on no more.
 */
export const pumpSettings = { chunkSize: 128 * 1024, readableHighWaterMark: 1 } as const;

/** The engine has come to the end of what it reads, and left bytes untaken: what follows is none of its format. */
export class TrailingBytes extends Error {}

/**
 * All that `engine` makes of `source`; ends and destroys both, however it ends.
 *
 * By hand, because the engine reads its input on another thread: a chunk goes in only when the one before was taken up, and
 * one chunk is asked for ahead, which is all that a chunk's lifetime allows ({@link chunksInUse}). What comes out lives as
 * long, since it may be a blob's raw bytes. Errors are the engine's, {@link TrailingBytes}, or the source's, as they are.
 */
export async function* pumped(
  source: AsyncIterable<Uint8Array>,
  engine: ZlibStream,
  onInput?: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const input = source[Symbol.asyncIterator]();
  const work = new EngineWork(engine);
  let next = asked(input);
  try {
    for (let chunk = await next; !chunk.done; chunk = await next) {
      onInput?.(chunk.value.byteLength);
      work.write(chunk.value);
      next = asked(input);
      yield* work.pieces();
    }
    work.end();
    yield* work.pieces();
  } finally {
    await work.stop();
    // Not waited for: a source that stalls ends when whoever opened it closes it.
    Promise.resolve(input.return?.()).catch(ignored);
  }
}

/** The next chunk; its failure counts when it is awaited, not before. */
function asked(input: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  const next = input.next();
  next.catch(ignored);
  return next;
}

function ignored(): void {}

/** What one engine is doing, and a way to wait until that changes. */
class EngineWork {
  readonly #engine: ZlibStream;
  readonly #out = new PieceRing();
  #given = 0;
  #busy = false;
  #failure: { readonly error: unknown } | undefined;
  #changed: () => void = ignored;

  constructor(engine: ZlibStream) {
    this.#engine = engine;
    engine.on("readable", () => this.#changed());
    engine.on("end", this.#done);
    engine.on("error", (error) => {
      this.#failure ??= { error };
      this.#changed();
    });
  }

  write(chunk: Uint8Array): void {
    this.#busy = true;
    this.#given += chunk.byteLength;
    this.#engine.write(chunk, this.#done);
  }

  end(): void {
    this.#busy = true;
    this.#engine.end();
  }

  readonly #done = (): void => {
    this.#busy = false;
    this.#changed();
  };

  /** All that the last write brings out. */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const piece: Buffer | null = this.#engine.read();
      if (this.#failure) throw this.#failure.error;
      if (piece) yield this.#out.copied(piece);
      else if (this.#busy) await this.#change();
      else break;
    }
    if (this.#engine.bytesWritten < this.#given) throw new TrailingBytes();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  /** Frees the native memory; a thread at work in it finishes its piece first. */
  async stop(): Promise<void> {
    this.#engine.destroy();
    if (!this.#engine.closed) await new Promise((resolve) => this.#engine.once("close", resolve));
  }
}

/** Copies of an engine's pieces, in memory that goes round; the engine's own is given back as soon as it is through with it. */
class PieceRing {
  readonly #ring: Buffer[] = [];
  #turn = 0;
  #last: Buffer | undefined;

  copied(piece: Buffer): Uint8Array {
    const memory = this.#ring[this.#turn] ?? Buffer.allocUnsafeSlow(pumpSettings.chunkSize);
    this.#ring[this.#turn] = memory;
    this.#turn = (this.#turn + 1) % chunksInUse;
    memory.set(piece);
    // Pieces are cut from one allocation after the other: a piece from the next one tells that this one is finished.
    if (this.#last && this.#last.buffer !== piece.buffer) giveBack(this.#last);
    this.#last = piece;
    return memory.subarray(0, piece.byteLength);
  }
}
