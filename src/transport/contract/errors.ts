import { KnownError, type KnownErrorOptions } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";

/** What can be wrong with a place. */
export type TransportErrorCode =
  | "transport.image-not-found"
  | "transport.blob-not-found"
  | "transport.manifest-refused"
  /** What was asked for a blob was to take it, too, and does not. */
  | "transport.upload-refused"
  | "transport.unsupported"
  | "transport.unreadable"
  /** What was to be free has been given to another image. */
  | "transport.taken"
  /** What is to be replaced cannot be kept under another name, and so is not replaced. */
  | "transport.not-kept"
  | "transport.busy";

/** A place cannot be read or written. */
export class TransportError extends KnownError<TransportErrorCode> {
  readonly reference: ImageReference | undefined;

  constructor(
    code: TransportErrorCode,
    message: string,
    options: KnownErrorOptions & { readonly reference?: ImageReference } = {},
  ) {
    super(code, message, options);
    this.reference = options.reference;
  }
}
