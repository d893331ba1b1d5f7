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
  /** Called with what reading fails by, before it is thrown. */
  readonly onFailure?: (error: unknown) => void;
}

const leastStateGap = 8 * 1024 * 1024;

/**
 * Passes `bytes` on unchanged, and ends only if they are what `expected` says.
 *
 * The last chunk is held back until size and digest agree, so a reader never sees the whole of a wrong blob.
 *
 * @throws {ContentError} `content.too-large` at the first byte past `expected.size`; `content.size-mismatch` or
 * `content.digest-mismatch` in place of the last chunk.
 */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  expected: Descriptor,
  options: VerifyOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const hash = options.from ? options.from.hash.copy() : hasherFor(expected.digest);
  const gap = Math.max(leastStateGap, Math.ceil(expected.size / 128));
  let size = options.from?.offset ?? 0;
  let nextState = size + gap;
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of bytes) {
      if (chunk.byteLength === 0) continue; // an empty last chunk would let the whole of the blob go by unheld
      size += chunk.byteLength;
      if (size > expected.size) throw tooLarge(expected);
      hash.update(chunk);
      options.onProgress?.(size);
      if (options.onState && size >= nextState) {
        options.onState({ offset: size, hash: hash.copy() });
        nextState = size + gap;
      }
      if (held) yield held;
      held = chunk;
    }
    checkEnd(expected, size, hash);
    if (held) yield held;
  } catch (error) {
    options.onFailure?.(error);
    throw error;
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
