import { JobError } from "./errors.ts";
import type { Lease } from "./queue.ts";

/** How a lease ends by its holder. */
export type Settlement =
  | { readonly type: "done" }
  /** Milliseconds since the epoch. */
  | { readonly type: "again"; readonly notBefore: number }
  | { readonly type: "bury"; readonly reason: string }
  | { readonly type: "give-back" };

/** What a queue does for one lease of its; false: it is not ours any more. @throws {JobError} `job.queue-unreachable` */
export interface LeaseKeeper {
  renew(): Promise<boolean>;
  settle(how: Settlement): Promise<boolean>;
}

/** What was leased, and for how long. */
export interface Leased<J> {
  readonly key: string;
  readonly job: J;
  readonly attempt: number;
  readonly leaseMs: number;
}

/** Of a lease's time, after which nobody relies on it: somebody else may have the job at the end. */
const trusted = 0.9;

/**
 * A lease that renews itself three times in its life. It counts as lost before its time is over, so that work has stopped
 * when the job goes to somebody else; and at once where the queue says so.
 */
export class HeldLease<J> implements Lease<J> {
  readonly key: string;
  readonly job: J;
  readonly attempt: number;
  readonly #keeper: LeaseKeeper;
  readonly #leaseMs: number;
  readonly #lost = new AbortController();
  readonly #renewals: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #renewing = false;
  #settled = false;

  /** To be made when the lease was asked for at `asked`, of performance.now(). */
  constructor(leased: Leased<J>, keeper: LeaseKeeper, asked: number) {
    this.key = leased.key;
    this.job = leased.job;
    this.attempt = leased.attempt;
    this.#leaseMs = leased.leaseMs;
    this.#keeper = keeper;
    this.#renewals = setInterval(() => void this.#renew(), leased.leaseMs / 3).unref();
    this.#trustUntil(asked + leased.leaseMs * trusted);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  #trustUntil(time: number): void {
    clearTimeout(this.#deadline);
    const left = Math.max(0, time - performance.now());
    this.#deadline = setTimeout(() => this.#lose(), left).unref();
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    const asked = performance.now();
    try {
      const ours = await this.#keeper.renew();
      if (this.#settled || this.#lost.signal.aborted) return;
      if (ours) this.#trustUntil(asked + this.#leaseMs * trusted);
      else this.#lose();
    } catch (error) {
      if (!(error instanceof JobError)) this.#lose(error);
    } finally {
      this.#renewing = false;
    }
  }

  #lose(cause?: unknown): void {
    this.#stop();
    this.#lost.abort(leaseLost(this.key, cause));
  }

  #stop(): void {
    clearInterval(this.#renewals);
    clearTimeout(this.#deadline);
  }

  done(): Promise<void> {
    return this.#settle({ type: "done" });
  }

  again({ notBefore }: { readonly notBefore: Date }): Promise<void> {
    return this.#settle({ type: "again", notBefore: notBefore.getTime() });
  }

  bury(reason: string): Promise<void> {
    return this.#settle({ type: "bury", reason });
  }

  async #settle(how: Settlement): Promise<void> {
    if (this.#settled || this.#lost.signal.aborted) throw leaseLost(this.key);
    const ours = await this.#keeper.settle(how);
    this.#settled = true;
    this.#stop();
    if (ours) return;
    this.#lose();
    throw leaseLost(this.key);
  }

  /** What cannot be given back for want of a queue comes back when the lease runs out. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    if (this.#settled) return;
    this.#settled = true;
    try {
      await this.#keeper.settle({ type: "give-back" });
    } catch (error) {
      if (!(error instanceof JobError)) throw error;
    }
  }
}

function leaseLost(key: string, cause?: unknown): JobError {
  return new JobError("job.lease-lost", `Cannot go on with job "${key}": its lease was lost`, {
    key,
    ...(cause !== undefined && { cause }),
  });
}
