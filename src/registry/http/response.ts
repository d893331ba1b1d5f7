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
  readonly #parts: ResponseParts;
  #body: BodyReader | undefined;

  constructor(parts: ResponseParts) {
    this.status = parts.head.status;
    this.reason = parts.head.reason;
    this.framing = parts.framing.kind;
    this.#parts = parts;
    if (parts.frames.complete) end(parts, true);
    else this.#body = new BodyReader(parts);
  }

  /** Made when it is asked for, where there is nothing to read: who sent a HEAD does not ask. */
  get body(): BodyReader {
    this.#body ??= new BodyReader(this.#parts);
    return this.#body;
  }

  header(name: string): string | undefined {
    return this.#parts.head.fields.first(name);
  }

  headers(name: string): readonly string[] {
    return this.#parts.head.fields.all(name);
  }

  retainChunks(): void {
    this.#body?.retainChunks();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#body?.close();
    return Promise.resolve();
  }
}

/**
 * Bytes of a large body are gathered until they are worth a turn of all who handle them: each turn costs as much as hashing
 * 200 KB, and a network brings 64 KiB at a time. Fewer are given when no more came for a moment.
 */
const gatherMs = 5;

/** The body as it comes. What is there and worth a turn is given at once; a wait costs one promise. */
export class BodyReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #parts: ResponseParts;
  #over = false;
  /** Thrown at who goes on reading: an end that is none must not look like one. */
  #closed: HttpError | undefined;
  #taken = false;
  #wait: Wait | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #hasGathered = false;

  constructor(parts: ResponseParts) {
    this.#parts = parts;
    this.#over = parts.frames.complete; // and its end was told of
  }

  /** @throws {ContentError} `content.taken-twice` when asked a second time */
  [Symbol.asyncIterator](): this {
    if (this.#taken) {
      throw new ContentError("content.taken-twice", "The body of this response was already read");
    }
    this.#taken = true;
    return this;
  }

  next(): Promise<Result> {
    if (this.#wait) return this.#wait.promise.then(this.#again, this.#again);
    try {
      const now = this.#now();
      return now ? Promise.resolve(now) : this.#later();
    } catch (error) {
      this.#end(false);
      return Promise.reject(error);
    }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    const wait = this.#stopWaiting();
    this.#end(false);
    wait?.resolve(done);
    return Promise.resolve(done);
  }

  /** Gives up what was not read. */
  close(): void {
    if (this.#over) return;
    const options = { phase: "body", retryable: true } as const;
    const text = "http: read on closed response body";
    this.#closed = new HttpError("registry.connection-lost", text, options);
    const wait = this.#stopWaiting();
    this.#end(false);
    wait?.reject(this.#closed);
  }

  /** After its end nothing is lent, and the connection another's. */
  retainChunks(): void {
    if (!this.#over) this.#parts.wire.inbox.retainLent();
  }

  readonly #again = () => this.next();

  #now(): Result | undefined {
    if (this.#closed) throw this.#closed;
    if (this.#over) return done;
    this.#parts.wire.inbox.giveBackOldest();
    return this.#isGathering() ? undefined : this.#take();
  }

  /** What is there: a chunk, or the end; undefined where more must come. */
  #take(): Result | undefined {
    const { wire, frames } = this.#parts;
    const chunk = frames.take(wire);
    if (frames.complete) this.#end(true);
    if (chunk !== undefined) return { done: false, value: chunk };
    return this.#over ? done : undefined;
  }

  /** Whether to wait a moment for more than there is. */
  #isGathering(): boolean {
    const { wire, frames } = this.#parts;
    const { unread, large, worthATurn } = wire.inbox;
    if (!large || this.#hasGathered || unread === 0) return false;
    if (unread >= Math.min(worthATurn, frames.left)) return false;
    this.#gathering ??= setTimeout(this.#onGathered, gatherMs);
    return true;
  }

  readonly #onGathered = (): void => {
    this.#hasGathered = true;
    this.#parts.wire.onChange(undefined);
    this.#goOn();
  };

  #later(): Promise<Result> {
    this.#wait = newWait();
    const { promise } = this.#wait;
    this.#goOn();
    return promise;
  }

  /** Answers the wait, or goes on with it: bytes came, or the peer ended, or the connection failed. */
  readonly #goOn = (): void => {
    const { wire, frames, readIdleMs } = this.#parts;
    wire.expectWithin(); // with the last bytes taken, the connection may serve another request
    try {
      if (wire.look() === "end") {
        frames.atEnd();
        if (frames.complete) this.#end(true);
      }
      const found = this.#over ? done : this.#isGathering() ? undefined : this.#take();
      if (found) this.#settle()?.resolve(found);
      else {
        wire.expectWithin(readIdleMs);
        wire.onChange(this.#goOn);
      }
    } catch (error) {
      const wait = this.#settle();
      this.#end(false);
      wait?.reject(error);
    }
  };

  /** To be called before {@link #end}: afterwards the connection is no longer ours. */
  #stopWaiting(): Wait | undefined {
    if (this.#wait !== undefined) {
      this.#parts.wire.onChange(undefined);
      this.#parts.wire.expectWithin();
    }
    return this.#settle();
  }

  #settle(): Wait | undefined {
    const wait = this.#wait;
    this.#wait = undefined;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#hasGathered = false;
    return wait;
  }

  #end(complete: boolean): void {
    if (this.#over) return;
    this.#over = true;
    end(this.#parts, complete);
  }
}

/** The connection is no longer the response's. */
function end({ wire, onEnd }: ResponseParts, complete: boolean): void {
  wire.inbox.retireLent();
  onEnd(complete);
}

type Result = IteratorResult<Uint8Array, undefined>;
const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** A promise and its own functions: ones made around them would be kept until the whole heap is collected. */
interface Wait {
  readonly promise: Promise<Result>;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

function newWait(): Wait {
  return Promise.withResolvers<Result>();
}
