import { ContentError } from "../../core/errors.ts";
import type { BodyFrames } from "./body-frames.ts";
import type { HttpResponse } from "./contract.ts";
import type { Framing } from "./framing.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Wire } from "./wire.ts";

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
    this.close();
    return done;
  }

  /** Gives up what was not read. */
  close(): void {
    this.#end(false);
  }

  #now(): Promise<IteratorResult<Uint8Array, undefined>> | undefined {
    if (this.#over) return done;
    const { wire, frames } = this.#parts;
    wire.inbox.giveBackOldest();
    const chunk = frames.take(wire);
    if (frames.complete) this.#end(true);
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    return this.#over ? done : undefined;
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
    const { wire, frames, readIdleMs } = this.#parts;
    try {
      for (;;) {
        wire.expectWithin(readIdleMs);
        const open = await wire.more();
        wire.expectWithin();
        if (this.#over) return { done: true, value: undefined };
        if (!open) frames.atEnd();
        const chunk = frames.take(wire);
        if (frames.complete) this.#end(true);
        if (chunk !== undefined) return { done: false, value: chunk };
        if (this.#over) return { done: true, value: undefined };
      }
    } catch (error) {
      if (this.#over) return { done: true, value: undefined };
      this.#end(false);
      throw error;
    }
  }

  #end(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.wire.inbox.retireLent();
    this.#parts.onEnd(complete);
  }
}
