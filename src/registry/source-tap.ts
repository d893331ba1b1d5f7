import { KnownError } from "../core/errors.ts";
import type { Clock } from "./clock.ts";
import { RegistryError } from "./errors.ts";

/** Passes bytes on to an upload, and keeps apart what fails on their side and what fails on the registry's. */
export class SourceTap implements AsyncIterable<Uint8Array, void> {
  readonly #bytes: AsyncIterable<Uint8Array, void>;
  readonly #look: (chunk: Uint8Array) => void;
  readonly #clock: Clock;
  #askedAt = 0;
  #sent = 0;
  #waitedMs = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `look` sees each chunk before it goes. */
  constructor(
    bytes: AsyncIterable<Uint8Array, void>,
    clock: Clock,
    look: (chunk: Uint8Array) => void = () => {},
  ) {
    this.#bytes = bytes;
    this.#clock = clock;
    this.#look = look;
  }

  /** How long the upload waited for bytes, in milliseconds. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** Bytes handed over to be sent. */
  get sent(): number {
    return this.#sent;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void> {
    const bytes = this.#bytes[Symbol.asyncIterator]();
    return {
      next: () => {
        this.#askedAt = this.#clock.now();
        return bytes.next().then(this.#onChunk, this.#onFailure);
      },
      return: async () => {
        await bytes.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  readonly #onChunk = (
    next: IteratorResult<Uint8Array, void>,
  ): IteratorResult<Uint8Array, void> => {
    if (next.done) return next;
    this.#waitedMs += this.#clock.now() - this.#askedAt;
    this.#look(next.value);
    this.#sent += next.value.byteLength;
    return next;
  };

  readonly #onFailure = (error: unknown): never => {
    this.#failure = { error };
    throw error;
  };

  /**
   * What to make of a failed upload: the source's own failure where there was one.
   *
   * @throws {RegistryError} `registry.source-failed`; anything foreign untouched
   */
  throwSourceFailure(): void {
    if (!this.#failure) return;
    const { error } = this.#failure;
    if (!(error instanceof KnownError)) throw error;
    throw new RegistryError("registry.source-failed", error.message, {
      cause: error,
      retryable: error.retryable,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }
}
