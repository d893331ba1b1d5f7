/** Bytes on their way from one thread to another: shared memory, and a few numbers that say what is in it. */
export interface RingMemory {
  readonly bytes: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/**
 * Where the numbers lie: how much was written and how much taken, both modulo 2^32; how the writer ended; whether the reader
 * stopped. Each side waits for the other's count of news to change, so that none is slept through.
 */
const place = { written: 0, taken: 1, ended: 2, stopped: 3, writerNews: 4, readerNews: 5 } as const;

const complete = 1;
const aborted = 2;

/** A power of two, so that the counters may wrap. */
const ringBytes = 2 * 1024 * 1024;

/** What a reader gets at once at most: what it has is no room for the writer. */
const pieceBytes = ringBytes / 4;

/** The writer has given up, or is told to: what was read so far is worth nothing. */
export class RingAborted extends Error {}

/** Memory for one stream. */
export function createRing(): RingMemory {
  return {
    bytes: new SharedArrayBuffer(ringBytes),
    control: new SharedArrayBuffer(6 * Int32Array.BYTES_PER_ELEMENT),
  };
}

/** The end that bytes are put into. Never blocks its thread. */
export class RingWriter {
  readonly #bytes: Uint8Array;
  readonly #control: Int32Array;

  constructor({ bytes, control }: RingMemory) {
    this.#bytes = new Uint8Array(bytes);
    this.#control = new Int32Array(control);
  }

  /** Copies a chunk, as room comes. False once nobody reads any more. */
  async write(chunk: Uint8Array): Promise<boolean> {
    for (let at = 0; at < chunk.byteLength; ) {
      const news = Atomics.load(this.#control, place.readerNews);
      if (this.#stopped()) return false;
      const length = this.#put(chunk, at);
      at += length;
      if (length === 0) await waitAsync(this.#control, place.readerNews, news);
    }
    return !this.#stopped();
  }

  #stopped(): boolean {
    return Atomics.load(this.#control, place.stopped) !== 0;
  }

  #put(chunk: Uint8Array, from: number): number {
    const head = Atomics.load(this.#control, place.written);
    const free = ringBytes - ((head - Atomics.load(this.#control, place.taken)) | 0);
    const start = head & (ringBytes - 1);
    const length = Math.min(free, ringBytes - start, chunk.byteLength - from);
    if (length === 0) return 0;
    this.#bytes.set(chunk.subarray(from, from + length), start);
    Atomics.store(this.#control, place.written, (head + length) | 0);
    tell(this.#control, place.writerNews);
    return length;
  }

  /** Nothing follows: there was no more, or the stream has failed and is to be forgotten. */
  end(how: "complete" | "aborted"): void {
    Atomics.store(this.#control, place.ended, how === "complete" ? complete : aborted);
    tell(this.#control, place.writerNews);
  }

  /** The reader is gone without a word: writes do not wait for it any longer. */
  abandon(): void {
    stop(this.#control);
  }
}

/** The end that bytes are taken from. Blocks its thread, so it is none for the main one. */
export class RingReader {
  readonly #bytes: Buffer;
  readonly #control: Int32Array;
  #held = 0;
  #waitedMs = 0;

  constructor({ bytes, control }: RingMemory) {
    this.#bytes = Buffer.from(bytes);
    this.#control = new Int32Array(control);
  }

  /** How long it has waited for bytes, on the whole. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /**
   * The next bytes, valid until it is called again; undefined at the end.
   *
   * @throws {RingAborted}
   */
  next(): Buffer | undefined {
    this.#release();
    for (;;) {
      const news = Atomics.load(this.#control, place.writerNews);
      const ended = Atomics.load(this.#control, place.ended);
      if (ended === aborted) throw new RingAborted();
      const piece = this.#piece();
      if (piece || ended === complete) return piece;
      const from = performance.now();
      Atomics.wait(this.#control, place.writerNews, news);
      this.#waitedMs += performance.now() - from;
    }
  }

  /** Whether the writer wants this to end now. @throws {RingAborted} */
  check(): void {
    if (Atomics.load(this.#control, place.ended) === aborted) throw new RingAborted();
  }

  #piece(): Buffer | undefined {
    const tail = Atomics.load(this.#control, place.taken);
    const filled = (Atomics.load(this.#control, place.written) - tail) | 0;
    if (filled === 0) return;
    const start = tail & (ringBytes - 1);
    this.#held = Math.min(filled, ringBytes - start, pieceBytes);
    return this.#bytes.subarray(start, start + this.#held);
  }

  #release(): void {
    if (this.#held === 0) return;
    Atomics.add(this.#control, place.taken, this.#held);
    this.#held = 0;
    tell(this.#control, place.readerNews);
  }

  /** Nothing more is read. */
  stop(): void {
    stop(this.#control);
  }
}

function stop(control: Int32Array): void {
  Atomics.store(control, place.stopped, 1);
  tell(control, place.readerNews);
}

function tell(control: Int32Array, news: number): void {
  Atomics.add(control, news, 1);
  Atomics.notify(control, news);
}

async function waitAsync(control: Int32Array, index: number, seen: number): Promise<void> {
  const wait = Atomics.waitAsync(control, index, seen);
  if (wait.async) await wait.value;
}
