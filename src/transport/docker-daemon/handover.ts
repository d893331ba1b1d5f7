import type { ArchiveSink } from "../../stream/tar/archive-writer.ts";
import { DaemonError } from "./errors.ts";

/**
 * An archive on its way from who writes it to who reads it: each write waits until the reader has asked for what comes behind
 * the one before. Read once.
 */
export class Handover implements ArchiveSink, AsyncIterable<Uint8Array> {
  readonly seeks = false;
  #offered: { readonly bytes: Uint8Array; readonly taken: () => void } | undefined;
  #over: { readonly error?: unknown } | undefined;
  #wakeReader: (() => void) | undefined;

  /** Bytes are copied: their reader may still be sending them when their writer fills their memory anew. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#throwIfOver();
    if (bytes.byteLength === 0) return;
    await new Promise<void>((taken) => {
      this.#offered = { bytes: Uint8Array.from(bytes), taken };
      this.#wakeReader?.();
    });
    this.#throwIfOver();
  }

  #throwIfOver(): void {
    if (this.#over) throw this.#over.error ?? new Error("written to after the end");
  }

  /** Nothing more comes, and all was well. */
  end(): void {
    this.#finish({});
  }

  /** Nothing more comes, and what came is not to be used. Whoever writes is told of `error`. */
  giveUp(error: unknown = givenUp()): void {
    this.#finish({ error });
  }

  #finish(how: { readonly error?: unknown }): void {
    this.#over ??= how;
    this.#offered?.taken();
    this.#offered = undefined;
    this.#wakeReader?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const offered = this.#offered;
      if (offered) {
        this.#offered = undefined;
        offered.taken();
        yield offered.bytes;
      } else if (this.#over) {
        if (this.#over.error !== undefined) throw this.#over.error;
        return;
      } else {
        await new Promise<void>((wake) => {
          this.#wakeReader = wake;
        });
      }
    }
  }
}

function givenUp(): DaemonError {
  return new DaemonError("daemon.given-up", "the image was not finished");
}
