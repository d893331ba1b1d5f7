import { read } from "node:fs";
import type { ServerResponse } from "node:http";
import type { ByteRange } from "./backend.ts";
import type { BufferPool } from "./buffer-pool.ts";

/** Chunks read and not yet taken by the system: one is read while the other is written. */
const mostInFlight = 2;

/**
 * Sends a range of a file as the content of an answer that has been begun, and ends the answer. Settles when nothing
 * uses the descriptor any more: true if all of it left, false if the client went away.
 *
 * Callbacks, not streams: at 3 MB a blob a pipeline of streams moves a third of the bytes a second.
 *
 * @throws what reading fails with, and where the file is shorter than the range
 */
export function sendFile(
  response: ServerResponse,
  descriptor: number,
  range: ByteRange,
  buffers: BufferPool,
): Promise<boolean> {
  return new FileSending(response, descriptor, range, buffers).run();
}

class FileSending {
  readonly #response: ServerResponse;
  readonly #descriptor: number;
  readonly #end: number;
  readonly #buffers: BufferPool;
  readonly #inFlight = new Set<Buffer>();
  readonly #settled = Promise.withResolvers<boolean>();
  #position: number;
  #reading = false;
  #closed = false;
  #failure: unknown;

  constructor(
    response: ServerResponse,
    descriptor: number,
    { start, end }: ByteRange,
    buffers: BufferPool,
  ) {
    this.#response = response;
    this.#descriptor = descriptor;
    this.#position = start;
    this.#end = end;
    this.#buffers = buffers;
  }

  run(): Promise<boolean> {
    this.#response.once("close", this.#onClose);
    if (this.#response.closed) this.#onClose();
    else if (this.#position >= this.#end) this.#response.end();
    else this.#readNext();
    return this.#settled.promise;
  }

  #readNext(): void {
    if (this.#reading || this.#closed || this.#failure !== undefined) return;
    if (this.#position >= this.#end || this.#inFlight.size >= mostInFlight) return;
    const left = this.#end - this.#position;
    const buffer = this.#buffers.take(left);
    this.#reading = true;
    this.#inFlight.add(buffer);
    const length = Math.min(left, buffer.length);
    read(this.#descriptor, buffer, 0, length, this.#position, (error, count) => {
      this.#reading = false;
      this.#onRead(buffer, error, count);
    });
  }

  #onRead(buffer: Buffer, error: Error | null, count: number): void {
    if (this.#closed || error !== null || count === 0) {
      this.#release(buffer, true);
      this.#failure ??= this.#closed ? undefined : (error ?? new Error("a blob's file ends early"));
      this.#settle();
      return;
    }
    this.#position += count;
    this.#response.write(count === buffer.length ? buffer : buffer.subarray(0, count), () => {
      this.#release(buffer, !this.#closed);
      this.#readNext();
    });
    if (this.#position >= this.#end) this.#response.end();
    else this.#readNext();
  }

  #release(buffer: Buffer, reusable: boolean): void {
    if (this.#inFlight.delete(buffer)) this.#buffers.give(buffer, reusable);
  }

  /** An answer that waits behind another on its connection is closed without a word about its writes. */
  readonly #onClose = (): void => {
    this.#closed = true;
    if (!this.#reading) this.#settle();
  };

  #settle(): void {
    this.#response.off("close", this.#onClose);
    for (const buffer of this.#inFlight) this.#release(buffer, false);
    if (this.#failure !== undefined) this.#settled.reject(this.#failure);
    else this.#settled.resolve(this.#response.writableFinished);
  }
}
