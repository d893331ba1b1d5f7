import { KnownError, UsageError } from "../core/errors.ts";

/** What can go wrong at the edge. */
export type CliErrorCode =
  /** A command or flag that exists in skopeo and not here yet. */
  | "cli.unsupported"
  /** `--command-timeout` ran out. */
  | "cli.deadline-exceeded"
  /** SIGINT or SIGTERM. */
  | "cli.interrupted"
  | "cli.bad-template"
  | "cli.login-failed"
  | "cli.not-deleted"
  | "cli.unreadable"
  /** A file that is to be made is there already. */
  | "cli.exists"
  /** A key that cannot be used for what it was named for. */
  | "cli.bad-key"
  /** Two pieces of a policy that cannot both hold. */
  | "cli.conflict"
  | "cli.unwritable"
  /** What says what to mirror cannot be read, or asks for what cannot be. */
  | "cli.bad-mirror"
  /** Some images of a mirror were not brought. */
  | "cli.mirror-incomplete"
  /** An audit log was changed, or lines of it are missing. */
  | "cli.bad-audit-log"
  /** An ordinary user has no user namespace with the numbers that his storage needs. */
  | "cli.no-user-namespace";

/** What fails at the edge itself. */
export class CliError extends KnownError<CliErrorCode> {}

/** A wrong number of words, which some commands answer with all of their help, on standard error. */
export class UsageWithHelp extends UsageError {
  constructor(message: string) {
    super("usage.bad-flag", message);
  }
}

/** The error of a thing that skopeo does and we do not yet. */
export function notSupportedYet(what: string): CliError {
  return new CliError("cli.unsupported", `${what} is not supported yet`, {
    hint: "Run `amphora compat` for what is",
  });
}

/** `prefix: message`, as skopeo wraps errors; code, hint and cause stay. An abort's reason passes through untouched. */
export function prefixed(prefix: string, error: unknown): unknown {
  if (!(error instanceof KnownError) || isAbort(error)) return error;
  return new KnownError(error.code, `${prefix}: ${error.message}`, {
    cause: error,
    retryable: error.retryable,
    ...(error.hint !== undefined && { hint: error.hint }),
  });
}

/** Runs `work`; what it throws gets {@link prefixed}, by a prefix that may depend on it. */
export async function withPrefix<T>(
  prefix: string | ((error: KnownError) => string),
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (typeof prefix === "string") throw prefixed(prefix, error);
    throw error instanceof KnownError ? prefixed(prefix(error), error) : error;
  }
}

function isAbort(error: KnownError): boolean {
  return error.code === "cli.interrupted" || error.code === "cli.deadline-exceeded";
}
