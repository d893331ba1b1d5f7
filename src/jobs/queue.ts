/** Work that waits its turn and survives a crash. `J` is plain JSON. */
export interface JobQueue<J> extends AsyncDisposable {
  /**
   * A key already waiting or running is not added again.
   *
   * @throws {JobError} `job.queue-unreachable`; it is not known then whether it was added
   */
  add(
    key: string,
    job: J,
    options?: { readonly notBefore?: Date },
  ): Promise<"added" | "already-there">;
  /** Takes out what waits; what runs is not touched, unless its lease has run out. */
  remove(key: string): Promise<"removed" | "running" | "absent">;
  /**
   * Yields a lease at a time for as long as the loop goes on; ends when `signal` aborts. The first added comes first; what
   * was delayed joins the others at their end when it is due; what was given back, or whose worker was killed, comes before
   * all. Waits out a queue that is out of reach.
   */
  leases(options: { readonly signal: AbortSignal }): AsyncIterable<Lease<J>>;
  size(): Promise<{ readonly waiting: number; readonly delayed: number; readonly running: number }>;
}

/** One job, ours until settled. Disposing it unsettled gives it back at once. */
export interface Lease<J> extends AsyncDisposable {
  readonly key: string;
  readonly job: J;
  /** 1 the first time. A worker that was killed counts; one that gave it back does not. */
  readonly attempt: number;
  /** Aborts if the lease could not be renewed in time: someone else may have the job now. */
  readonly lost: AbortSignal;
  /**
   * Settles it, as the next two do: the job is out of the queue, and its key free.
   *
   * @throws {JobError} `job.lease-lost` and nothing has changed; `job.queue-unreachable`, and it can be tried again
   */
  done(): Promise<void>;
  /** It goes back to the queue, one attempt more. */
  again(options: { readonly notBefore: Date }): Promise<void>;
  /** As done, for what cannot be done by anybody; some of these are kept for people to look at. */
  bury(reason: string): Promise<void>;
}
