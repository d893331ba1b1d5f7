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
  /** Takes out what waits; what runs is not touched. */
  remove(key: string): Promise<"removed" | "running" | "absent">;
  /**
   * Yields a lease at a time for as long as the loop goes on; ends when `signal` aborts. Waits out a queue that is out of
   * reach.
   */
  leases(options: { readonly signal: AbortSignal }): AsyncIterable<Lease<J>>;
  size(): Promise<{ readonly waiting: number; readonly delayed: number; readonly running: number }>;
}

/** One job, ours until settled. Disposing it unsettled gives it back at once. */
export interface Lease<J> extends AsyncDisposable {
  readonly key: string;
  readonly job: J;
  /** 1 the first time; a worker that was killed counts. */
  readonly attempt: number;
  /** Aborts if the lease could not be renewed in time: someone else may have the job now. */
  readonly lost: AbortSignal;
  done(): Promise<void>;
  again(options: { readonly notBefore: Date }): Promise<void>;
  bury(reason: string): Promise<void>;
}
