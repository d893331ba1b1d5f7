import { KnownError, type KnownErrorOptions } from "../core/errors.ts";

/** What went wrong with jobs as such; what goes wrong in one is its own failure. */
export type JobErrorCode =
  | "job.queue-unreachable"
  | "job.lease-lost"
  | "job.bad-request"
  | "job.not-allowed"
  | "job.bad-schedule";

/** A job cannot be taken, kept or read. */
export class JobError extends KnownError<JobErrorCode> {
  /** The job's key or id, where there is one. */
  readonly key: string | undefined;

  constructor(
    code: JobErrorCode,
    message: string,
    options: KnownErrorOptions & { readonly key?: string } = {},
  ) {
    super(code, message, options);
    this.key = options.key;
  }
}
