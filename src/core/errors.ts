import type { Digest } from "./digest.ts";

/** What a {@link KnownError} carries besides its code and message. */
export interface KnownErrorOptions {
  /** One sentence in the imperative: what the user can do about it. */
  readonly hint?: string;
  /** The failure underneath, kept whole for `--debug`. */
  readonly cause?: unknown;
  /** True when the same call may succeed if made again unchanged. */
  readonly retryable?: boolean;
}

/**
 * A failure we foresaw: it has a stable code, and its message is written for the user.
 * Any other error that reaches the edge is a bug and is reported as one.
 */
export class KnownError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(code: Code, message: string, options: KnownErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
  }
}

/** What was typed cannot be meant. Thrown wherever text becomes a value. */
export class UsageError extends KnownError<"usage.bad-reference" | "usage.bad-flag"> {}

/** What can be wrong with bytes: their digest, their length, their form. */
export type ContentErrorCode =
  | "content.digest-mismatch"
  | "content.size-mismatch"
  | "content.too-large"
  | "content.taken-twice"
  | "content.no-rewind"
  | "content.bad-digest"
  | "content.bad-compression"
  | "content.bad-tar"
  | "content.bad-json"
  | "content.bad-base64"
  | "content.bad-config"
  | "content.bad-manifest";

/** What a {@link ContentError} carries besides its code and message. */
export interface ContentErrorOptions extends KnownErrorOptions {
  readonly actual?: Digest;
  readonly bytes?: Uint8Array;
}

/** Bytes are not what their descriptor says, or not of the form they claim. */
export class ContentError extends KnownError<ContentErrorCode> {
  /** With `content.digest-mismatch`, the digest that the bytes have instead. */
  readonly actual: Digest | undefined;
  /** With `content.bad-manifest`, what was read in place of a manifest, where it is what was asked for. */
  readonly bytes: Uint8Array | undefined;

  constructor(code: ContentErrorCode, message: string, options: ContentErrorOptions = {}) {
    super(code, message, options);
    this.actual = options.actual;
    this.bytes = options.bytes;
  }
}

/** Why a copy was not made: it cannot be, it must not be, or one side failed. */
export type CopyErrorCode =
  | "copy.unsupported"
  | "copy.digest-would-change"
  | "copy.no-instance"
  | "copy.signatures-would-be-lost"
  | "copy.source-failed"
  | "copy.destination-failed";

/** A copy cannot be done, or one side of it failed. */
export class CopyError extends KnownError<CopyErrorCode> {}
