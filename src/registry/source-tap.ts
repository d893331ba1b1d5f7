import { KnownError } from "../core/errors.ts";
import type { Clock } from "./clock.ts";
import { RegistryError } from "./errors.ts";

/** Passes bytes on to an upload, and keeps apart what fails on their side and what fails on the registry's. */
export class SourceTap implements AsyncIterable<Uint8Array> {
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #look: (chunk: Uint8Array) => void;
  readonly #clock: Clock;
  #sent = 0;
  #waitedMs = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `look` sees each chunk before it goes. */
  constructor(
    bytes: AsyncIterable<Uint8Array>,
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    let askedAt = this.#clock.now();
    try {
      for await (const chunk of this.#bytes) {
        this.#waitedMs += this.#clock.now() - askedAt;
        this.#look(chunk);
        this.#sent += chunk.byteLength;
        yield chunk;
        askedAt = this.#clock.now();
      }
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

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
