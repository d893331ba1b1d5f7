import { ContentError } from "../../core/errors.ts";
import type { BodyFrames } from "./body-frames.ts";
import type { HttpResponse } from "./contract.ts";
import { HttpError } from "./errors.ts";
import type { Framing } from "./framing.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Wire } from "./wire.ts";

/** What a response is made of once its head was read. */
export interface ResponseParts {
  readonly wire: Wire;
  readonly head: ResponseHead;
  readonly framing: Framing;
  readonly frames: BodyFrames;
  readonly readIdleMs: number;
  /** Called once: the body was read to its end, or nobody wants the rest. */
  readonly onEnd: (complete: boolean) => void;
}

/** A response on its connection. */
export class WireResponse implements HttpResponse {
  readonly status: number;
  readonly reason: string;
  readonly framing: Framing["kind"];
  readonly body: BodyReader;
  readonly #head: ResponseHead;

  constructor(parts: ResponseParts) {
    this.status = parts.head.status;
    this.reason = parts.head.reason;
    this.framing = parts.framing.kind;
    this.body = new BodyReader(parts);
    this.#head = parts.head;
  }

  header(name: string): string | undefined {
    return this.#head.fields.first(name);
  }

  headers(name: string): readonly string[] {
    return this.#head.fields.all(name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.body.close();
    return Promise.resolve();
  }
}

const done: Promise<IteratorReturnResult<undefined>> = Promise.resolve({
  done: true,
  value: undefined,
});

/** The body as it comes. A chunk that is there is given at once; only a wait costs more than its promise. */
export class BodyReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #parts: ResponseParts;
  #over = false;
  /** Thrown at who goes on reading: an end that is none must not look like one. */
  #closed: HttpError | undefined;
  #taken = false;
  #last: Promise<unknown> | undefined;

  constructor(parts: ResponseParts) {
    this.#parts = parts;
    if (parts.frames.complete) this.#end(true);
  }

  /** @throws {ContentError} `content.taken-twice` when asked a second time */
  [Symbol.asyncIterator](): this {
    if (this.#taken) {
      throw new ContentError("content.taken-twice", "The body of this response was already read");
    }
    this.#taken = true;
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#last) return this.#last.then(() => this.next());
    try {
      return this.#now() ?? this.#later();
    } catch (error) {
      this.#end(false);
      return Promise.reject(error);
    }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#end(false);
    return done;
  }

  /** Gives up what was not read. */
  close(): void {
    if (this.#over) return;
    const options = { phase: "body", retryable: true } as const;
    const text = "http: read on closed response body";
    this.#closed = new HttpError("registry.connection-lost", text, options);
    this.#end(false);
  }

  #now(): Promise<IteratorResult<Uint8Array, undefined>> | undefined {
    if (this.#closed) throw this.#closed;
    if (this.#over) return done;
    const { wire } = this.#parts;
    wire.inbox.giveBackOldest();
    const chunk = this.#takeChunk();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    return this.#over ? done : undefined;
  }

  #takeChunk(): Uint8Array | undefined {
    const { wire, frames } = this.#parts;
    const chunk = frames.take(wire);
    if (frames.complete) this.#end(true);
    return chunk;
  }

  #later(): Promise<IteratorResult<Uint8Array, undefined>> {
    const next = this.#wait();
    const settled = () => {
      this.#last = undefined;
    };
    this.#last = next.then(settled, settled);
    return next;
  }

  async #wait(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      while (!this.#over) {
        await this.#more();
        const chunk = this.#over ? undefined : this.#takeChunk();
        if (chunk !== undefined) return { done: false, value: chunk };
      }
    } catch (error) {
      if (!this.#over) {
        this.#end(false);
        throw error;
      }
    }
    if (this.#closed) throw this.#closed;
    return { done: true, value: undefined };
  }

  async #more(): Promise<void> {
    const { wire, frames, readIdleMs } = this.#parts;
    wire.expectWithin(readIdleMs);
    const open = await wire.more();
    if (this.#over) return; // by now the connection may serve another request
    wire.expectWithin();
    if (!open) frames.atEnd();
  }

  #end(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.wire.inbox.retireLent();
    this.#parts.onEnd(complete);
  }
}
