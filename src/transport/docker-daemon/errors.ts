import { KnownError } from "../../core/errors.ts";

/** What can be wrong with a Docker daemon. */
export type DaemonErrorCode =
  /** Nobody answers, or not us. */
  | "daemon.unreachable"
  /** It answered that it will not, or could not. */
  | "daemon.refused"
  /** What it answered is not what such a daemon answers. */
  | "daemon.bad-answer"
  /** The request was never ended, since what was to be sent did not come. */
  | "daemon.given-up";

/** A Docker daemon did not do what it was asked for. */
export class DaemonError extends KnownError<DaemonErrorCode> {}
