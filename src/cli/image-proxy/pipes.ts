import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { openPipe } from "../../libc/passed-descriptors.ts";
import type { BlobStream } from "../../stream/blob-stream.ts";
import { badCall, describeFailure, type ProxyReply } from "./packets.ts";

/** What is on its way to the client through pipes. Disposing of it lets go of what nobody has read. */
export class Pipes implements Disposable {
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running = new Map<number, Promise<void>>();
  #last = 0;

  constructor(signal: AbortSignal) {
    this.#signal = AbortSignal.any([signal, this.#end.signal]);
  }

  /** A pipe that gives `content`; whether that went well is told by {@link finish}. */
  give(content: Uint8Array | BlobStream, check: () => void = () => {}): ProxyReply {
    const { read, write } = openPipe();
    const pipeId = ++this.#last;
    const running = this.#write(content, write).then(check);
    running.catch(() => {}); // told when it is asked for
    this.#running.set(pipeId, running);
    return { pipeId, descriptors: [read] };
  }

  /** A pipe that gives `blob`, and one that says in the end what failed, if anything did. */
  giveWithErrors(blob: BlobStream): ProxyReply {
    const data = openPipe();
    const errors = openPipe();
    void this.#write(blob, data.write).then(
      () => closeSync(errors.write),
      (error) => {
        const report = Buffer.from(JSON.stringify(describeFailure(error)));
        return this.#write(report, errors.write).catch(() => {});
      },
    );
    return { descriptors: [data.read, errors.read] };
  }

  /** Waits for a pipe's end. @throws what it failed with */
  async finish(pipeId: number): Promise<void> {
    const running = this.#running.get(pipeId);
    if (!running) throw badCall(`finishpipe: no active pipe ${pipeId}`);
    this.#running.delete(pipeId);
    await running;
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }

  async #write(content: Uint8Array | BlobStream, fd: number): Promise<void> {
    await using _ = content instanceof Uint8Array ? undefined : content;
    const pipe = new Socket({ fd, readable: false, writable: true });
    const source = content instanceof Uint8Array ? [content] : content;
    await pipeline(copies(source), pipe, { signal: this.#signal });
  }
}

/** A stream queues what it cannot write at once, and the chunks of a blob are soon written over. */
async function* copies(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Uint8Array.from(chunk);
}
