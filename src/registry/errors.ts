import { KnownError, type KnownErrorOptions } from "../core/errors.ts";
import type { ErrorEntry } from "./error-body.ts";

/** What went wrong with a registry. */
export type RegistryErrorCode =
  /** Credentials are missing or wrong. */
  | "registry.unauthorized"
  /** The credentials are good, but not for this. */
  | "registry.denied"
  /** The repository, manifest or blob is not there. */
  | "registry.not-found"
  | "registry.rate-limited"
  /** It answers, but cannot serve now. */
  | "registry.unavailable"
  /** No connection, or one that broke. */
  | "registry.unreachable"
  /** Another form of the manifest may be tried. */
  | "registry.manifest-refused"
  /** A manifest names blobs or manifests that the registry does not hold. */
  | "registry.content-missing"
  /** What was to be replaced is not what it was taken for. */
  | "registry.changed"
  | "registry.upload-failed"
  /** Reading the bytes to upload failed; `cause` has why. */
  | "registry.source-failed"
  /** An answer outside the distribution specification. */
  | "registry.bad-response"
  /** An answer that leads where this client will not go. */
  | "registry.bad-redirect"
  /** The registry does not have this operation. */
  | "registry.unsupported";

/** What a {@link RegistryError} carries besides its code and message. */
export interface RegistryErrorOptions extends KnownErrorOptions {
  readonly status?: number;
  readonly method?: string;
  /** Redacted. */
  readonly url?: string;
  readonly entries?: readonly ErrorEntry[];
  /** The registry has not answered anything yet, since it was first asked. */
  readonly neverAnswered?: boolean;
  /** An upload was to be opened, and was not. */
  readonly isOpening?: boolean;
}

/** A registry refused, failed or could not be reached. Messages are skopeo's, and hold no secrets or control characters. */
export class RegistryError extends KnownError<RegistryErrorCode> {
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  readonly method: string | undefined;
  readonly url: string | undefined;
  /** The `errors` of the answer's body — OCI distribution-spec § Error codes. */
  readonly entries: readonly ErrorEntry[];
  /** Whether the registry had answered nothing at all by then. */
  readonly neverAnswered: boolean;
  /** Whether an upload was to be opened: no byte of it was sent. */
  readonly isOpening: boolean;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status;
    this.method = options.method;
    this.url = options.url;
    this.entries = options.entries ?? [];
    this.neverAnswered = options.neverAnswered ?? false;
    this.isOpening = options.isOpening ?? false;
  }

  /** The specification's code of the first error told: `MANIFEST_UNKNOWN`, … */
  get specCode(): string | undefined {
    return this.entries[0]?.code;
  }
}

/** The same failure under another code. */
export function underCode(
  error: RegistryError,
  code: RegistryErrorCode,
  retryable = error.retryable,
): RegistryError {
  return new RegistryError(code, error.message, { ...optionsOf(error), retryable });
}

/** The same failure, told as one of opening an upload. */
export function whileOpening(error: RegistryError): RegistryError {
  return new RegistryError(error.code, error.message, { ...optionsOf(error), isOpening: true });
}

function optionsOf(error: RegistryError): RegistryErrorOptions {
  const { status, method, url, entries, hint, cause, neverAnswered, isOpening, retryable } = error;
  return {
    retryable,
    entries,
    neverAnswered,
    isOpening,
    ...(status !== undefined && { status }),
    ...(method !== undefined && { method }),
    ...(url !== undefined && { url }),
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  };
}
