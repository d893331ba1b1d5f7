import type { Digest } from "../core/digest.ts";
import { CopyError, type CopyErrorCode, KnownError } from "../core/errors.ts";
import { TransportError } from "../transport/contract/errors.ts";

/**
 * The same failure, told as part of the copy: `during` goes before its message, and `code` says which side it was.
 * What is not ours to tell of (an abort, a bug) passes untouched.
 */
export function failedWhile(during: string, code: CopyErrorCode, error: unknown): unknown {
  if (!(error instanceof KnownError)) return error;
  return new CopyError(code, `${during}: ${error.message}`, {
    cause: error,
    retryable: error.retryable,
    ...(error.hint !== undefined && { hint: error.hint }),
  });
}

/** Runs `work`; what fails in it is told with `during` before it. */
export async function telling<T>(
  during: string,
  code: CopyErrorCode,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failedWhile(during, code, error);
  }
}

/** Asks a destination for a blob that it may have. Where that opens an upload, a refusal is told as one of writing. */
export async function adopting<T>(digest: Digest, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const opens = error instanceof TransportError && error.code === "transport.upload-refused";
    const during = opens ? "writing blob" : `trying to reuse blob ${digest} at destination`;
    throw failedWhile(during, "copy.destination-failed", error);
  }
}

/** Reads signatures that a copy is to carry along. */
export function readingSignatures<T>(read: () => Promise<T>): Promise<T> {
  return telling("reading signatures", "copy.source-failed", read);
}
