import type { Hash } from "node:crypto";
import type { Descriptor } from "../core/descriptor.ts";
import { formatDigest, hasherFor } from "../core/digest.ts";
import { ContentError } from "../core/errors.ts";

/** The state of a hash after `offset` bytes, so that a stream can be continued there. */
export interface HashState {
  readonly offset: number;
  readonly hash: Hash;
}

/** Where a check begins, and who hears of how far it is. */
export interface VerifyOptions {
  /** Where `bytes` begin: the hash of all that came before. By default the blob's first byte. */
  readonly from?: HashState;
  /** Called about every `size / 128` bytes, and never less than 8 MiB apart, with a copy of the state so far. */
  readonly onState?: (state: HashState) => void;
  /** Called with each chunk read: how many bytes of the blob that makes. */
  readonly onProgress?: (offset: number) => void;
  /** Asked why all bytes came and have another digest, so that more can be told than that; undefined: nothing more is known. */
  readonly explain?: () => Promise<unknown>;
  /** Called with what reading fails by, before it is thrown. */
  readonly onFailure?: (error: unknown) => void;
}

const leastStateGap = 8 * 1024 * 1024;

/**
 * Passes `bytes` on unchanged, and ends only if they are what `expected` says.
 *
 * The last chunk is held back until size and digest agree, so a reader never sees the whole of a wrong blob. One chunk is
 * asked for at a time.
 *
 * Reading throws {@link ContentError} `content.too-large` at the first byte past `expected.size`; `content.size-mismatch`
 * or `content.digest-mismatch` in place of the last chunk.
 */
export function verified(
  bytes: AsyncIterable<Uint8Array>,
  expected: Descriptor,
  options: VerifyOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  return new VerifiedBytes(bytes, expected, options);
}

type Result = IteratorResult<Uint8Array, void>;
const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** By hand: the same as a generator takes three times the promises for each chunk, and every blob passes here. */
class VerifiedBytes implements AsyncGenerator<Uint8Array, void, void> {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #expected: Descriptor;
  readonly #options: VerifyOptions;
  readonly #hash: Hash;
  readonly #gap: number;
  #bytes: AsyncIterator<Uint8Array, unknown> | undefined;
  #size: number;
  #nextState: number;
  #held: Uint8Array | undefined;
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>, expected: Descriptor, options: VerifyOptions) {
    this.#source = source;
    this.#expected = expected;
    this.#options = options;
    this.#hash = options.from ? options.from.hash.copy() : hasherFor(expected.digest);
    this.#gap = Math.max(leastStateGap, Math.ceil(expected.size / 128));
    this.#size = options.from?.offset ?? 0;
    this.#nextState = this.#size + this.#gap;
  }

  next(): Promise<Result> {
    if (this.#ended) return Promise.resolve(over);
    try {
      this.#bytes ??= this.#source[Symbol.asyncIterator]();
      return this.#bytes.next().then(this.#onResult, this.#onFailure);
    } catch (error) {
      return this.#fail(error);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#ended) await this.#close();
    return over;
  }

  async throw(error: unknown): Promise<Result> {
    if (!this.#ended) await this.#close();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  readonly #onResult = (result: IteratorResult<Uint8Array, unknown>): Result | Promise<Result> => {
    if (this.#ended) return over; // closed meanwhile
    try {
      return (result.done ? this.#atEnd() : this.#passed(result.value)) ?? this.next();
    } catch (error) {
      return this.#closeWith(error);
    }
  };

  readonly #onFailure = (error: unknown): Promise<Result> =>
    this.#ended ? Promise.resolve(over) : this.#fail(error);

  /** Takes a chunk in, and gives the one before. */
  #passed(chunk: Uint8Array): Result | undefined {
    if (chunk.byteLength === 0) return undefined; // an empty last chunk would let the whole of the blob go by unheld
    const size = this.#size + chunk.byteLength;
    if (size > this.#expected.size) throw tooLarge(this.#expected);
    this.#size = size;
    this.#hash.update(chunk);
    this.#options.onProgress?.(size);
    if (size >= this.#nextState) this.#keepState();
    const before = this.#held;
    this.#held = chunk;
    return before && { done: false, value: before };
  }

  #keepState(): void {
    this.#options.onState?.({ offset: this.#size, hash: this.#hash.copy() });
    this.#nextState = this.#size + this.#gap;
  }

  #atEnd(): Result | Promise<Result> {
    this.#ended = true;
    try {
      checkEnd(this.#expected, this.#size, this.#hash);
    } catch (error) {
      return this.#failExplained(error);
    }
    const last = this.#held;
    this.#held = undefined;
    return last ? { done: false, value: last } : over;
  }

  async #failExplained(error: unknown): Promise<Result> {
    return await this.#fail((await this.#options.explain?.()) ?? error);
  }

  #fail(error: unknown): Promise<Result> {
    this.#ended = true;
    this.#held = undefined;
    this.#options.onFailure?.(error);
    return Promise.reject(error);
  }

  /** What was found wrong counts, and no failure to close. */
  async #closeWith(error: unknown): Promise<Result> {
    const ended = this.#ended;
    const failed = this.#fail(error);
    failed.catch(() => {}); // it is thrown when the source is closed
    if (!ended) await Promise.resolve(this.#bytes?.return?.()).catch(() => {});
    return await failed;
  }

  async #close(): Promise<void> {
    this.#ended = true;
    this.#held = undefined;
    await this.#bytes?.return?.();
  }
}

function tooLarge({ digest, size }: Descriptor): ContentError {
  return new ContentError("content.too-large", `Blob ${digest} is longer than its ${size} bytes`);
}

function checkEnd(expected: Descriptor, size: number, hash: Hash): void {
  if (size < expected.size) {
    throw new ContentError(
      "content.size-mismatch",
      `Blob ${expected.digest} ended after ${size} of ${expected.size} bytes`,
      { retryable: true },
    );
  }
  const actual = formatDigest(expected.digest, hash);
  if (actual !== expected.digest) {
    throw new ContentError(
      "content.digest-mismatch",
      `Digest did not match, expected ${expected.digest}, got ${actual}`,
      { actual },
    );
  }
}
