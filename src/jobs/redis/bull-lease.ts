import type { Job as BullJob } from "bullmq";
import type { LeaseKeeper, Settlement } from "../held-lease.ts";
import { Again, type QueuedData } from "./bull-parts.ts";
import type { RedisLink } from "./link.ts";

/** What a lease is kept by. */
export interface BullLeaseOptions {
  readonly now: () => number;
  readonly leaseMs: number;
  readonly token: string;
}

/** BullMQ's lock of a job that is being done. */
export class BullLease implements LeaseKeeper {
  readonly #link: RedisLink;
  readonly #job: BullJob<QueuedData>;
  readonly #options: BullLeaseOptions;
  /** It was asked to be settled, and there was no answer. */
  #inDoubt = false;

  constructor(link: RedisLink, job: BullJob<QueuedData>, options: BullLeaseOptions) {
    this.#link = link;
    this.#job = job;
    this.#options = options;
  }

  async renew(): Promise<boolean> {
    const { token, leaseMs } = this.#options;
    return (await this.#link.ask(() => this.#job.extendLock(token, leaseMs))) === 1;
  }

  async settle(how: Settlement): Promise<boolean> {
    try {
      await this.#link.ask(() => this.#move(how));
    } catch (error) {
      // Not a job that may be moved by us. Who is asked while the lease is good and was asked before has moved it then.
      if (typeof (error as { code?: unknown }).code === "number") return this.#inDoubt;
      this.#inDoubt = true;
      throw error;
    }
    if (how.type === "again" || how.type === "give-back") this.#link.tell("queue");
    return true;
  }

  async #move(how: Settlement): Promise<unknown> {
    const { token, now } = this.#options;
    switch (how.type) {
      case "done":
        return await this.#job.moveToCompleted("done", token, false);
      case "again":
        return await this.#job.moveToFailed(
          new Again(Math.max(0, how.notBefore - now())),
          token,
          false,
        );
      case "bury": {
        const { UnrecoverableError } = await import("bullmq");
        return await this.#job.moveToFailed(new UnrecoverableError(how.reason), token, false);
      }
      case "give-back":
        return await this.#job.moveToWait(token);
    }
  }
}
