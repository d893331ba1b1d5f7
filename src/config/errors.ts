import { KnownError, type KnownErrorOptions } from "../core/errors.ts";

/** What went wrong with what the user has set. */
export type ConfigErrorCode =
  | "config.invalid"
  | "config.unreadable"
  | "config.unwritable"
  | "config.blocked"
  | "config.bad-key"
  | "config.bad-certificate"
  | "config.helper-failed"
  | "config.not-found"
  | "config.unsupported";

/** What the user has set cannot be read, cannot be meant, or forbids what was asked. */
export class ConfigError extends KnownError<ConfigErrorCode> {
  /** The file at fault, where there is one. */
  readonly file: string | undefined;

  constructor(
    code: ConfigErrorCode,
    message: string,
    options: KnownErrorOptions & { readonly file?: string } = {},
  ) {
    super(code, message, options);
    this.file = options.file;
  }
}
