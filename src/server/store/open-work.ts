import { RegistryAnswerError } from "../v2/answer-error.ts";
import { asAnswer } from "./errors.ts";

/** What is being done for requests: closing waits for it, and lets nothing new begin. */
export class OpenWork {
  #running = 0;
  #closed = false;
  readonly #idle = Promise.withResolvers<void>();

  /** Runs `work`; what it fails with is an answer. @throws {RegistryAnswerError} 503 after {@link close} */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw closed();
    this.#running++;
    try {
      return await work();
    } catch (error) {
      throw asAnswer(error);
    } finally {
      this.#running--;
      if (this.#closed && this.#running === 0) this.#idle.resolve();
    }
  }

  /** Waits for what is running. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) await this.#idle.promise;
  }
}

function closed(): RegistryAnswerError {
  return new RegistryAnswerError("UNAVAILABLE", "the registry is going down", {
    status: 503,
    retryable: true,
    headers: { "Retry-After": "5" },
  });
}
