import type { Job, JobProgress, JobState } from "./job.ts";

/** What is known of jobs, beside the queue that hands them out: kept where the queue is kept. */
export interface JobLedger extends AsyncDisposable {
  /**
   * Keeps a job that is new; one with this id that is there already is given back as it is, so that a caller who got no
   * answer can ask again. On disk when it returns.
   *
   * @param idempotencyKey of one owner: the same again gives the job that it made, whatever else is asked; not one that the
   *   queue did not take
   * @throws {JobError} `job.queue-unreachable`
   */
  create(
    job: Job,
    options?: { readonly idempotencyKey?: string },
  ): Promise<{ readonly job: Job; readonly isNew: boolean }>;
  get(id: string): Promise<Job | undefined>;
  /** The newest first. `before` is an id. */
  list(query: JobQuery): Promise<readonly Job[]>;
  /**
   * Changes a job, unless it has ended (or is not as `where` says): then undefined. One change at a time, across processes.
   * Notes the event where the state becomes another, and when it ended.
   */
  change(id: string, change: JobChange, where?: ChangeCondition): Promise<Job | undefined>;
  /** Nothing where the job has ended. */
  progress(id: string, progress: JobProgress): Promise<void>;
  /**
   * Adds to what is told of a job, for those who watch it and for later; nothing where it has ended. Bounded: of an image
   * and of a blob the last event is kept, and the oldest of a kind go.
   */
  note(id: string, event: JobEvent): Promise<void>;
  /**
   * What was told, from `after` on (0: all that is kept), then what is told from now on; ends when the job has ended, or
   * `signal` aborts. Waits out a ledger that is out of reach.
   */
  watch(
    id: string,
    after: number,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<NotedEvent>;
  /** Every job's changes from now on, each job as it is then; ends when `signal` aborts. Waits as watch does. */
  watchAll(options: { readonly signal: AbortSignal }): AsyncIterable<Job>;
  /** Removes jobs that ended before `time`. @returns how many */
  forget(time: number): Promise<number>;
}

/** What becomes of a job's members; undefined takes one away. */
export type JobChange = {
  readonly [Member in Exclude<keyof Job, "id" | "request" | "owner" | "createdAt">]?:
    | Job[Member]
    | undefined;
};

/** Where a change is made only. */
export interface ChangeCondition {
  /** From these states. */
  readonly from?: readonly JobState[];
  /** While it is this attempt: nobody has begun it since. */
  readonly attempts?: number;
}

/** Which jobs. */
export interface JobQuery {
  readonly states?: readonly JobState[];
  readonly kind?: Job["request"]["kind"];
  readonly owner?: string;
  readonly before?: string;
  /** At most 500. */
  readonly limit: number;
}

/** What happens in a job, as the page and API show it. */
export type JobEvent =
  | { readonly type: "state"; readonly state: JobState }
  | {
      readonly type: "image";
      readonly from: string;
      readonly to: string;
      /** "would-copy": in a dry run. */
      readonly state:
        | "started"
        | "copied"
        | "would-copy"
        | "unchanged"
        | "left"
        | "failed"
        | "refused";
      readonly digest?: string;
      readonly code?: string;
      readonly message?: string;
      readonly bytes?: number;
    }
  /** `sent` and `size` in bytes; a few a second for each blob at most. */
  | {
      readonly type: "blob";
      readonly image: string;
      readonly digest: string;
      readonly sent: number;
      readonly size: number;
    }
  | {
      readonly type: "message";
      readonly level: "info" | "warning" | "error";
      readonly text: string;
    };

/** An event with its place in the story, from 1. */
export interface NotedEvent {
  readonly number: number;
  readonly at: number;
  readonly event: JobEvent;
}
