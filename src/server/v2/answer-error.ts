import { KnownError, type KnownErrorOptions } from "../../core/errors.ts";

/** OCI distribution-spec § Error Codes, and those that registries use besides. */
export type RegistryAnswerCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "TAG_INVALID"
  | "RANGE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "SIGNATURE_INVALID"
  | "TOOMANYREQUESTS"
  | "PAGINATION_NUMBER_INVALID"
  | "UNAVAILABLE"
  | "UNKNOWN";

/** What a client is answered in place of what it asked for. */
export interface RegistryAnswer extends KnownErrorOptions {
  readonly status: number;
  /** Sent along: `Range`, `Retry-After`, `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The error's `detail` member: plain JSON. */
  readonly detail?: unknown;
}

/** A failure with the answer that it deserves: message and detail are for the client, and tell nothing secret. */
export class RegistryAnswerError extends KnownError<RegistryAnswerCode> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly detail: unknown;

  constructor(code: RegistryAnswerCode, message: string, answer: RegistryAnswer) {
    super(code, message, answer);
    this.status = answer.status;
    this.headers = answer.headers ?? {};
    this.detail = answer.detail;
  }
}
