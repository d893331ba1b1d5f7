import type { Job, JobRequest } from "../../jobs/job.ts";
import type { JobDesk } from "../../jobs/submit-job.ts";
import type { Access } from "../access.ts";
import type { AuditLog } from "../audit.ts";
import type { Report } from "../server-event.ts";

/** A mirror of the settings. */
export interface NamedMirror {
  readonly name: string;
  /** For people: what is mirrored to where. */
  readonly rules: readonly { readonly from: string; readonly to: string }[];
}

/** What a clock starts. */
export interface KnownSchedule {
  readonly name: string;
  readonly cron: string;
  readonly timeZone?: string;
  readonly request: JobRequest;
  /** When it starts next, in milliseconds since the epoch; undefined: never. */
  nextRun(): number | undefined;
}

/** Says what a job may be about. */
export interface JobRules {
  /**
   * Nothing is resolved, nothing connected to.
   *
   * @throws {JobError} `job.not-allowed` where a host, a folder or credentials are not for this, `job.bad-request` where a
   *   name is none
   */
  check(request: JobRequest, owner: string): Promise<void>;
  /** @throws {JobError} `job.not-allowed` */
  checkWebhook(url: string): void;
}

/** What the settings say of jobs. */
export interface NamedJobs {
  readonly rules: JobRules;
  readonly mirrors: readonly NamedMirror[];
  readonly schedules: readonly KnownSchedule[];
}

/** What the jobs API stands on. */
export interface JobsApiParts extends JobDesk {
  /** As the settings are now: they may be read again. */
  readonly named: () => NamedJobs;
  readonly access: Access;
  /** Whether a `Host` is a name of this server's. */
  readonly isOwnName: (host: string | undefined) => boolean;
  readonly audit?: AuditLog;
  readonly report: Report;
  /** Aborts when the server is about to end: so do streams of events then. */
  readonly signal: AbortSignal;
  readonly streams?: Partial<StreamLimits>;
}

/** Of streams of events. */
export interface StreamLimits {
  /** Between two signs of life. */
  readonly heartbeatMs: number;
  /** The longest that one lasts: clients come again, and are asked again who they are. */
  readonly longestMs: number;
  readonly perOwner: number;
  readonly inAll: number;
}

/** A job as others may see it: of a webhook the host, since the rest may be secret. */
export function presentJob(job: Job): Job {
  if (job.webhook === undefined) return job;
  const { protocol, host } = new URL(job.webhook);
  return { ...job, webhook: `${protocol}//${host}/…` };
}
