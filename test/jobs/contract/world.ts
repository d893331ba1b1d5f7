import type { Jobs } from "../../../src/jobs/jobs.ts";

/** What the contract's jobs say. */
export interface TestJob {
  readonly n: number;
}

/** How a place is opened. */
export interface OpenOptions {
  readonly now?: () => number;
  readonly leaseMs?: number;
  /** A minute by default, so that no machine is too slow. */
  readonly patienceMs?: number;
}

/** One place where jobs are kept, empty at first. */
export interface JobsPlace extends AsyncDisposable {
  /** As another process would open it. */
  open(options?: OpenOptions): Promise<Jobs<TestJob>>;
  /** For a process that opens it: see job-process.ts. */
  readonly address: string;
}

/** An implementation that the contract holds for. */
export interface JobsWorld {
  readonly name: string;
  /** The reason why it cannot be tried here. */
  readonly skip: string | false;
  place(): Promise<JobsPlace>;
}

/** A clock that is set by hand on top of the world's. */
export class AheadClock {
  aheadMs = 0;
  readonly now = (): number => Date.now() + this.aheadMs;
}
