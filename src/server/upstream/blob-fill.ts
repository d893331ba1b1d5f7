import { ContentError } from "../../core/errors.ts";
import type { UncheckedBytes } from "../../registry/blob-download.ts";
import { RegistryError } from "../../registry/errors.ts";
import { chunksInUse } from "../../stream/blob-stream.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import { readAt } from "./read-file-part.ts";
import type { CacheFill } from "./store.ts";

/** So much of a blob is given out only when all of it was verified. */
const heldBack = 64 * 1024;

/** A fill that nobody reads is brought to its end if it has come so far. */
const worthEnding = 0.25;

/** How a fill is made. */
export interface BlobFillOptions {
  readonly file: CacheFill;
  /** The blob from where the file ends. */
  readonly source: UncheckedBytes;
  /** Calls the source off. */
  readonly stop: AbortController;
  readonly onEnd: (outcome: FillOutcome) => void;
}

/** As much of the file as is read at once, for who has fallen behind. */
const bufferBytes = 512 * 1024;

/** How far a reader is. */
export class Reading {
  /** What it gets next. */
  at: number;
  readonly end: number;
  #buffer: Uint8Array | undefined;

  constructor(start: number, end: number) {
    this.at = start;
    this.end = end;
  }

  /** Memory to read the file into, made when it is needed. */
  get buffer(): Uint8Array {
    this.#buffer ??= Buffer.allocUnsafeSlow(Math.min(bufferBytes, this.end - this.at));
    return this.#buffer;
  }
}

/** A reader that has read all there is. */
interface Waiting {
  readonly reading: Reading;
  /** By what comes next; by nothing: look again. */
  readonly resolve: (chunk: Uint8Array | undefined) => void;
}

/** How a fill ended. `paused`: what is there is kept for the next. */
export type FillOutcome =
  | { readonly type: "verified" }
  | { readonly type: "paused" }
  | { readonly type: "failed"; readonly error: unknown };

/**
 * One blob on its way from an upstream into a file of the store, and any number of readers that follow it. Its file is open
 * until the fill has ended and the last reader has left.
 */
export class BlobFill {
  /** Of the whole blob. */
  readonly size: number;
  readonly file: CacheFill;
  readonly #options: BlobFillOptions;
  readonly #ended: Promise<void>;
  #outcome: FillOutcome | undefined;
  #readers = 0;
  #wanted = false;
  #closed = false;
  #verified = false;
  #waiting: Waiting[] = [];
  /** Who may still be reading a chunk of the source's, and the how manieth it is. */
  readonly #lent = new Map<Reading, number>();

  constructor(options: BlobFillOptions) {
    this.#options = options;
    this.file = options.file;
    this.size = options.source.size;
    this.#ended = this.#run();
  }

  /** Resolves when it has ended, however. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Keeps the file open, and the fill going, until the function given back is called. Undefined where it has stopped short
   * of the blob's end, or its file is closed: there is a new one to be begun, once it has {@link ended}.
   */
  enter(): (() => void) | undefined {
    const isOver = this.#outcome ? this.#outcome.type !== "verified" : this.#stop.signal.aborted;
    if (isOver || this.#closed) return undefined;
    this.#readers++;
    let here = true;
    return () => {
      if (!here) return;
      here = false;
      this.#readers--;
      this.pauseUnread();
    };
  }

  /** It is to be brought to its end whoever reads it. */
  want(): void {
    this.#wanted = true;
  }

  /** Stops where nobody reads it and not much of it is there; whoever had it begun may have left before there was an answer. */
  pauseUnread(): void {
    if (this.#readers > 0) return;
    if (this.#outcome) void this.#close();
    else if (!this.#wanted && this.file.size <= this.size * worthEnding) this.#stop.abort(paused());
  }

  /** Stops, and keeps what is there. */
  async pause(): Promise<void> {
    this.#stop.abort(paused());
    await this.#ended;
  }

  /**
   * What comes next, at least one byte, once it is there. It may be read until the next is asked for, or the reading is {@link leave|left}. What has
   * just come in is given as it came: a reader that keeps up costs no copy, and the file no reading. Whoever aborts `signal` has to
   * {@link wake} as well: a listener for each chunk would cost as much as a quarter of its hash.
   *
   * @throws what the fill failed by
   */
  async read(reading: Reading, signal: AbortSignal): Promise<Uint8Array> {
    this.leave(reading);
    for (;;) {
      signal.throwIfAborted();
      const there = Math.min(this.#readable, reading.end) - reading.at;
      if (there > 0) return await this.#readFile(reading, there);
      if (this.#outcome?.type === "failed") throw this.#outcome.error;
      if (this.#outcome?.type === "paused") throw paused();
      const chunk = await this.#wait(reading);
      if (chunk) return chunk;
    }
  }

  /** Nothing of what it was given is read any more. */
  leave(reading: Reading): void {
    this.#lent.delete(reading);
  }

  async #readFile(reading: Reading, there: number): Promise<Uint8Array> {
    const part = reading.buffer.subarray(0, there);
    const count = await readAt(this.file.descriptor, part, reading.at);
    reading.at += count;
    return part.subarray(0, count);
  }

  /** Bytes that readers may have now. */
  get #readable(): number {
    if (this.#verified) return this.size;
    return Math.min(this.file.size, this.size - heldBack);
  }

  #wait(reading: Reading): Promise<Uint8Array | undefined> {
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    this.#waiting.push({ reading, resolve });
    return promise;
  }

  get #stop(): AbortController {
    return this.#options.stop;
  }

  async #run(): Promise<void> {
    const { source, onEnd } = this.#options;
    try {
      await this.#pour(source);
      await this.file.finish(() => this.#onVerified());
      this.#end({ type: "verified" });
    } catch (error) {
      await this.#giveUp(error);
    } finally {
      await quietly(source);
      onEnd(this.#outcome ?? { type: "paused" });
      if (this.#readers === 0) await this.#close();
    }
  }

  async #pour(source: UncheckedBytes): Promise<void> {
    let turn = 0;
    for await (const chunk of source.bytes) {
      const start = this.file.size;
      await this.file.append(chunk);
      this.#handOut(chunk, start, turn);
      this.#stop.signal.throwIfAborted();
      turn++;
      this.#retain(source, turn - chunksInUse);
    }
  }

  /** The source would write over its chunk of `turn` now: one that is still being read is left to who reads it. */
  #retain(source: UncheckedBytes, turn: number): void {
    for (const lent of this.#lent.values()) {
      if (lent > turn) continue;
      source.retainChunks();
      this.#lent.clear();
      return;
    }
  }

  async #giveUp(error: unknown): Promise<void> {
    const gone = error instanceof ContentError || this.file.size === 0;
    await (gone ? this.file.discard() : this.file.keep()).catch(() => {});
    const isPause = this.#stop.signal.aborted && error === this.#stop.signal.reason;
    this.#end(isPause ? { type: "paused" } : { type: "failed", error });
  }

  /** Readers need not wait until the disk has it for good. */
  #onVerified(): void {
    this.#verified = true;
    this.wake();
  }

  #end(outcome: FillOutcome): void {
    this.#outcome = outcome;
    this.wake();
  }

  /** Has all who wait look again. */
  wake(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }

  /** `chunk`, the source's of `turn`, is in the file. */
  #handOut(chunk: Uint8Array, start: number, turn: number): void {
    const readable = this.#readable;
    for (const { reading, resolve } of this.#waiting.splice(0)) {
      const from = reading.at - start;
      const count = Math.min(reading.end, readable) - reading.at;
      const isHere = from >= 0 && count > 0;
      if (isHere) {
        reading.at += count;
        this.#lent.set(reading, turn);
      }
      resolve(isHere ? chunk.subarray(from, from + count) : undefined);
    }
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await quietly(this.file);
  }
}

/** Whether what failed is the file that is filled, and not the upstream: then the blob can still be passed through. */
export function isDiskFailure(error: unknown): boolean {
  return error instanceof RegistryAnswerError && (error.status === 507 || error.status === 503);
}

/** What fails in the end is nothing to those who read. */
async function quietly(resource: AsyncDisposable): Promise<void> {
  try {
    await resource[Symbol.asyncDispose]();
  } catch {
    // the store clears away what is left
  }
}

function paused(): RegistryError {
  return new RegistryError("registry.unavailable", "the blob was given up", { retryable: true });
}
