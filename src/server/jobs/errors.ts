import { KnownError, type KnownErrorOptions } from "../../core/errors.ts";
import { JobError } from "../../jobs/errors.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";

/** Why the jobs API does not do as it is asked. */
export type JobsApiErrorCode =
  | "job.bad-request"
  | "job.unauthorized"
  | "job.denied"
  | "job.not-allowed"
  | "job.not-found"
  | "job.bad-method"
  | "job.has-ended"
  | "job.has-not-ended"
  | "job.too-large"
  | "job.bad-media-type"
  | "job.key-used-otherwise"
  | "job.too-many"
  | "job.queue-unreachable"
  | "job.internal";

/** An answer that is no success; its message and hint are for the client, and tell nothing secret. */
export class JobsApiError extends KnownError<JobsApiErrorCode> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: JobsApiErrorCode,
    message: string,
    options: KnownErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

/** What a client is told of a failure; of one that nobody foresaw, no more than that. */
export function asJobsApiError(error: unknown): JobsApiError {
  if (error instanceof JobsApiError) return error;
  if (error instanceof JobError) return ofJob(error);
  if (error instanceof RegistryAnswerError) return ofAccess(error);
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  if (typeof status !== "number" || status >= 500 || !(error instanceof Error))
    return new JobsApiError(500, "job.internal", "internal error", { cause: error });
  return new JobsApiError(
    status,
    words[status] ?? "job.bad-request",
    texts[status] ?? error.message,
  );
}

const words: Readonly<Record<number, JobsApiErrorCode>> = {
  401: "job.unauthorized",
  403: "job.denied",
  404: "job.not-found",
  413: "job.too-large",
  415: "job.bad-media-type",
  429: "job.too-many",
};

const texts: Readonly<Record<number, string>> = {
  413: "the body is too large",
  415: "expected a body of Content-Type application/json",
};

function ofJob(error: JobError): JobsApiError {
  const { message, hint } = error;
  const options = { cause: error, ...(hint !== undefined && { hint }) };
  switch (error.code) {
    case "job.not-allowed":
      return new JobsApiError(403, "job.not-allowed", message, options);
    case "job.bad-request":
    case "job.bad-schedule":
      return new JobsApiError(400, "job.bad-request", message, options);
    default:
      return new JobsApiError(503, "job.queue-unreachable", "jobs cannot be taken now", {
        ...options,
        headers: { "Retry-After": "5" },
      });
  }
}

/** Of whoever asks: who they are, what they may, how often they ask. */
function ofAccess(error: RegistryAnswerError): JobsApiError {
  const { status, message, headers, hint } = error;
  return new JobsApiError(status, words[status] ?? "job.bad-request", message, {
    headers,
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}
