import { ContentError } from "../../core/errors.ts";
import type { RequestBody } from "./contract.ts";
import type { Wire } from "./wire.ts";

/** Most bytes in one write: a write that is not through in time has then truly stalled. */
const maxWrite = 256 * 1024;
const chunkEnd = Buffer.from("\r\n");
const lastChunk = Buffer.from("0\r\n\r\n");

type StreamedBody = Exclude<RequestBody, Uint8Array>;
type Bytes = AsyncIterator<Uint8Array, unknown>;
const stopped = Symbol("stopped");

/**
 * Sends one request. While a chunk is on its way the next is asked for, and no more than that: chunks live as
 * `stream/blob-stream.ts` § chunksInUse says. The request is only ever completed with a body of the promised length
 * whose stream ended well; else the connection is killed.
 */
export class Sender {
  readonly #wire: Wire;
  #stopped = false;
  #wake: ((outcome: typeof stopped) => void) | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Resolves when all was sent: true; or when it was stopped or the connection lost: false. Never rejects. */
  send(head: Uint8Array, body: RequestBody | undefined): Promise<boolean> {
    if (body === undefined) return this.#wire.write([head]);
    if (body instanceof Uint8Array) return this.#sendWhole(head, body);
    return this.#sendStream(head, body);
  }

  /** Sends no more: there is an answer, or no connection. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.(stopped);
  }

  async #sendWhole(head: Uint8Array, body: Uint8Array): Promise<boolean> {
    if (!(await this.#wire.write([head, body.subarray(0, maxWrite)]))) return false;
    for (let at = maxWrite; at < body.byteLength; at += maxWrite) {
      if (this.#stopped) return false;
      if (!(await this.#wire.write([body.subarray(at, at + maxWrite)]))) return false;
    }
    return true;
  }

  async #sendStream(head: Uint8Array, { bytes, length }: StreamedBody): Promise<boolean> {
    let chunks: Chunks | undefined;
    try {
      chunks = new Chunks(bytes[Symbol.asyncIterator](), length);
      const through = await this.#pump(head, chunks, length === undefined);
      if (!through) chunks.giveUp();
      return through;
    } catch (error) {
      this.#wire.kill(error);
      chunks?.giveUp();
      return false;
    }
  }

  async #pump(head: Uint8Array, chunks: Chunks, coded: boolean): Promise<boolean> {
    let prefix = [head];
    let next = chunks.next();
    if (await isSlow(next)) {
      // A server should not wait for a head because our source is slow: it might close the connection.
      if (!(await this.#wire.write(prefix))) return false;
      prefix = [];
    }
    let written: Promise<boolean> | undefined;
    for (;;) {
      const chunk = await this.#unlessStopped(next);
      if (chunk === stopped || (await this.#through(written)) !== true) return false;
      if (chunk === undefined) break;
      if (chunks.full && (await this.#unlessStopped(chunks.confirmEnd())) === stopped) return false;
      written = this.#write(prefix, chunk, coded);
      prefix = [];
      next = chunks.next();
      next.catch(ignored); // it is awaited in the next round
    }
    if (coded) prefix.push(lastChunk);
    return prefix.length === 0 || this.#wire.write(prefix);
  }

  #through(written: Promise<boolean> | undefined): Promise<boolean | typeof stopped> | true {
    return written === undefined || this.#unlessStopped(written);
  }

  #write(prefix: readonly Uint8Array[], chunk: Uint8Array, coded: boolean): Promise<boolean> {
    const first = coded ? [...prefix, sizeLine(chunk)] : prefix;
    if (chunk.byteLength > maxWrite) return this.#writeInParts(first, chunk, coded);
    return this.#wire.write(coded ? [...first, chunk, chunkEnd] : [...first, chunk]);
  }

  async #writeInParts(
    prefix: readonly Uint8Array[],
    chunk: Uint8Array,
    coded: boolean,
  ): Promise<boolean> {
    const first = [...prefix];
    for (let at = 0; at < chunk.byteLength; at += maxWrite) {
      const pieces = [...first.splice(0), chunk.subarray(at, at + maxWrite)];
      if (coded && at + maxWrite >= chunk.byteLength) pieces.push(chunkEnd);
      if (!(await this.#wire.write(pieces)) || this.#stopped) return false;
    }
    return true;
  }

  /**
   * One promise a wait, so that a long stream leaves nothing behind on a promise that lives as long as it. And what wakes
   * it is the promise's own function: V8 keeps one made here, and all it sees, until it collects the whole heap.
   */
  #unlessStopped<T>(promise: Promise<T>): Promise<T | typeof stopped> {
    if (this.#stopped) return Promise.resolve(stopped);
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      promise.then(resolve, reject);
    });
  }
}

/** The chunks of a body that are not empty, counted. */
class Chunks {
  readonly #bytes: Bytes;
  readonly #length: number | undefined;
  #sent = 0;
  #over = false;

  constructor(bytes: Bytes, length: number | undefined) {
    this.#bytes = bytes;
    this.#length = length;
  }

  /** Whether all that was promised was given, but not yet found to be all there is. */
  get full(): boolean {
    return !this.#over && this.#sent === this.#length;
  }

  /** @throws {ContentError} `content.size-mismatch` where the stream is shorter or longer than promised */
  async next(): Promise<Uint8Array | undefined> {
    let next: IteratorResult<Uint8Array, unknown>;
    do {
      if (this.#over) return undefined;
      next = await this.#bytes.next();
      this.#count(next);
    } while (!next.done && next.value.byteLength === 0);
    return next.done ? undefined : next.value;
  }

  /** To be waited for before what makes it {@link full} is written, and after all before it is through. */
  async confirmEnd(): Promise<void> {
    await this.next();
  }

  /** Lets the stream close what it reads from. Not waited for: it may itself be waiting for bytes. */
  giveUp(): void {
    if (this.#over) return;
    this.#over = true;
    Promise.resolve(this.#bytes.return?.()).catch(() => {});
  }

  #count(next: IteratorResult<Uint8Array, unknown>): void {
    if (next.done) this.#over = true;
    else this.#sent += next.value.byteLength;
    const length = this.#length ?? this.#sent;
    if (this.#sent > length || (this.#over && this.#sent < length)) throw this.#mismatch();
  }

  #mismatch(): ContentError {
    return new ContentError(
      "content.size-mismatch",
      `http: ContentLength=${this.#length} with Body length ${this.#sent}`,
    );
  }
}

/** RFC 9112 § 7.1: how long the chunk is that follows. */
function sizeLine(chunk: Uint8Array): Uint8Array {
  return Buffer.from(`${chunk.byteLength.toString(16)}\r\n`, "latin1");
}

function ignored(): void {}

/** Whether a promise is still open after a turn of the event loop. */
function isSlow(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const turn = setImmediate(() => resolve(true));
    const soon = () => {
      clearImmediate(turn);
      resolve(false);
    };
    promise.then(soon, soon);
  });
}
