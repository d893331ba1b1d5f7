import type { SyncSummary } from "../sync/events.ts";
import type { ImageEnd } from "../sync/one-image.ts";

/** What a job is to do, as asked for: checked by job-request.ts, no secret in it; ends name credentials by reference. */
export type JobRequest =
  | {
      readonly kind: "copy";
      /** Transport and text: `docker://…`. */
      readonly from: JobEnd;
      readonly to: JobEnd;
      readonly options: JobCopyOptions;
    }
  /** `mirror` is a specification as text would hold it (mirror-settings.ts), or the name of one in the settings. */
  | {
      readonly kind: "sync";
      readonly mirror: unknown;
      readonly dryRun: boolean;
      /** Of a part that a worker hands on to others; nobody asks for one from outside. */
      readonly part?: SyncPart;
    }
  | { readonly kind: "sign"; readonly image: JobEnd; readonly key: string }
  | { readonly kind: "verify"; readonly image: JobEnd };

/** Some images of a mirror, found by the job that runs it. */
export interface SyncPart {
  /** That job. */
  readonly of: string;
  /** `rule` counts the mirror's from 0; transports and texts, resolved. */
  readonly images: readonly {
    readonly rule: number;
    readonly from: string;
    readonly to: string;
  }[];
}

/** One image, and by what credentials it is reached: the name of an entry in the server's settings. */
export interface JobEnd {
  readonly image: string;
  readonly credentials?: string;
}

/** Of a copy. */
export interface JobCopyOptions {
  /** "all": every image of a list; else `os/arch[/variant]`, several of which make a new list. */
  readonly platforms?: "all" | readonly string[];
  readonly preserveDigests?: boolean;
  readonly removeSignatures?: boolean;
}

/** "refused": by the policy; trying again changes nothing. */
export type JobState =
  | "waiting"
  | "delayed"
  | "running"
  | "done"
  | "failed"
  | "refused"
  | "cancelled";

/** A job as it is known: what was asked, and what became of it. */
export interface Job {
  /** Sortable by time, never used twice. */
  readonly id: string;
  readonly request: JobRequest;
  readonly state: JobState;
  /** Who asked; `schedule:NAME` for those that a clock made. */
  readonly owner: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** When it is tried (again). */
  readonly notBefore?: number;
  /** Times it was begun. */
  readonly attempts: number;
  /** Somebody wants it to end; a running one ends soon. */
  readonly cancelRequested: boolean;
  readonly progress?: JobProgress;
  readonly result?: JobResult;
  /** Of the last attempt. */
  readonly failure?: JobFailure;
  readonly webhook?: string;
  /** The job that this one tries again. */
  readonly retryOf?: string;
}

/** Numbers so far; written a few times a second at most. */
export interface JobProgress {
  readonly images: { readonly found: number; readonly ended: number; readonly failed: number };
  readonly bytes: { readonly moved: number; readonly spared: number };
}

/** What came of it. */
export type JobResult =
  | { readonly kind: "copy"; readonly digest: string; readonly unchanged: boolean }
  | {
      readonly kind: "sync";
      readonly summary: SyncSummary;
      /** Of a part: how its images ended, in its order. */
      readonly ends?: readonly ImageEnd[];
      /** Of a part: whether some that failed may do another time. */
      readonly mayPass?: boolean;
    }
  | { readonly kind: "sign"; readonly digest: string; readonly keyId: string }
  | {
      readonly kind: "verify";
      readonly digest: string;
      readonly allowed: boolean;
      readonly reason: string;
    };

/** Why it did not do: an error's code and message, no secret in it. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}
