import type { Descriptor } from "../../core/descriptor.ts";
import { RegistryError } from "../../registry/errors.ts";
import type { Repository } from "../../registry/repository.ts";
import type { NewBlob } from "../../stream/blob-stream.ts";

/** An upload that gets no more bytes for so long is not kept open at the upstream. */
const idleMs = 30_000;

/**
 * Sends an upload's bytes on to an upstream while they come in, however many requests they come in by, as one stream. It is
 * a short cut: where it fails the upload goes on, and the blob is sent from the store in the end.
 */
export class UploadRelay {
  readonly #feed = new Feed();
  readonly #stop = new AbortController();
  readonly #written: Promise<Descriptor | undefined>;
  readonly #onGivenUp: () => void;
  #sent = 0;
  #idle: NodeJS.Timeout | undefined;

  /** `onGivenUp`: it is of no more use. */
  constructor(repository: Repository, onGivenUp: () => void) {
    this.#onGivenUp = onGivenUp;
    this.#written = repository
      .writeBlob(this.#feed, { signal: this.#stop.signal })
      .catch(() => undefined)
      .finally(() => this.#feed.close());
  }

  /** The same bytes, sent on as they are read. */
  async *through(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    clearTimeout(this.#idle);
    for await (const chunk of bytes) {
      if (chunk.byteLength > 0) {
        await this.#feed.push(chunk);
        this.#sent += chunk.byteLength;
      }
      yield chunk;
    }
  }

  /** What went by is held, up to `size`: where it went wrong on the way, this relay is of no more use. */
  settle(size: number): void {
    if (size === this.#sent) this.#idle = setTimeout(() => this.giveUp(), idleMs).unref();
    else this.giveUp();
  }

  /** All bytes were there, and are what they should be. Undefined where the upstream did not take them. */
  async finish(): Promise<Descriptor | undefined> {
    clearTimeout(this.#idle);
    this.#feed.end();
    return await this.#written;
  }

  /** Cancels the upload at the upstream. */
  giveUp(): void {
    clearTimeout(this.#idle);
    this.#stop.abort(givenUp());
    this.#feed.close();
    this.#onGivenUp();
  }
}

/** Bytes pushed by one side and pulled by the other, a chunk at a time. */
class Feed implements NewBlob {
  readonly mediaType = "application/octet-stream";
  #chunk: Uint8Array | undefined;
  #state: "open" | "ended" | "closed" = "open";
  #taken = Promise.withResolvers<void>();
  #given = Promise.withResolvers<void>();

  /** Done when the reader asks for the chunk after this one, or has gone. */
  async push(chunk: Uint8Array): Promise<void> {
    if (this.#state !== "open") return;
    this.#taken = Promise.withResolvers<void>();
    this.#chunk = chunk;
    this.#given.resolve();
    await this.#taken.promise;
  }

  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#given.resolve();
  }

  close(): void {
    this.#state = "closed";
    this.#taken.resolve();
    this.#given.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        await this.#given.promise;
        this.#given = Promise.withResolvers<void>();
        const chunk = this.#chunk;
        this.#chunk = undefined;
        if (this.#state === "closed") throw givenUp();
        if (chunk) yield chunk;
        else if (this.#state === "ended") return;
        this.#taken.resolve(); // it asks for the next: this one may be written over soon
      }
    } finally {
      this.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

function givenUp(): RegistryError {
  return new RegistryError("registry.upload-failed", "the upload was given up");
}
