import { KnownError } from "../core/errors.ts";
import { RegistryError } from "./errors.ts";

/** Passes bytes on to an upload, and keeps apart what fails on their side and what fails on the registry's. */
export class SourceTap implements AsyncIterable<Uint8Array> {
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #look: (chunk: Uint8Array) => void;
  #sent = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `look` sees each chunk before it goes. */
  constructor(bytes: AsyncIterable<Uint8Array>, look: (chunk: Uint8Array) => void = () => {}) {
    this.#bytes = bytes;
    this.#look = look;
  }

  /** Bytes handed over to be sent. */
  get sent(): number {
    return this.#sent;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of this.#bytes) {
        this.#look(chunk);
        this.#sent += chunk.byteLength;
        yield chunk;
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
