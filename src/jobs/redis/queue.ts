import { randomUUID } from "node:crypto";
import type { Job as BullJob } from "bullmq";
import { HeldLease } from "../held-lease.ts";
import { leasesAsTheyCome } from "../lease-loop.ts";
import type { JobQueue, Lease } from "../queue.ts";
import { BullLease } from "./bull-lease.ts";
import type { BullParts, QueuedData } from "./bull-parts.ts";
import type { RedisLink } from "./link.ts";

/** How often it is looked whether something's time has come, or a worker's lease has run out. */
const lookMs = 500;

/** What a queue is given. */
export interface RedisQueueOptions {
  readonly now: () => number;
  readonly leaseMs: number;
}

/**
 * A queue of BullMQ's in Redis. A key is BullMQ's deduplication id: its job has an id of its own, so that BullMQ's answer says
 * whose job is there.
 */
export class RedisQueue<J> implements JobQueue<J> {
  readonly #link: RedisLink;
  readonly #bull: BullParts;
  readonly #options: RedisQueueOptions;
  readonly #closed = new AbortController();
  /** Tokens by which something may have been leased of which we were not told. */
  readonly #inDoubt = new Set<string>();

  constructor(link: RedisLink, bull: BullParts, options: RedisQueueOptions) {
    this.#link = link.join();
    this.#bull = bull;
    this.#options = options;
  }

  async add(key: string, job: J, options: { readonly notBefore?: Date } = {}) {
    const now = this.#options.now();
    const delay = Math.max(0, (options.notBefore?.getTime() ?? now) - now);
    const jobId = randomUUID();
    const { id } = await this.#bull.use(({ queue }) =>
      queue.add("job", { key, job }, { jobId, deduplication: { id: key }, delay, timestamp: now }),
    );
    if (id !== jobId) return "already-there";
    this.#link.tell("queue");
    return "added";
  }

  remove(key: string) {
    return this.#bull.use(async ({ queue }) => {
      const id = await queue.getDeduplicationJobId(key);
      if (id === null) return "absent";
      return (await queue.remove(id)) === 1 ? "removed" : "running";
    });
  }

  async size() {
    const counts = await this.#bull.use(({ queue }) =>
      queue.getJobCounts("waiting", "delayed", "active"),
    );
    const { waiting = 0, delayed = 0, active: running = 0 } = counts;
    return { waiting, delayed, running };
  }

  leases(options: { readonly signal: AbortSignal }): AsyncIterable<Lease<J>> {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    return leasesAsTheyCome(
      this.#link.changes.queue,
      async () => (await this.#take()) ?? lookMs,
      signal,
    );
  }

  async #take(): Promise<Lease<J> | undefined> {
    await this.#giveBackDoubtful();
    const token = randomUUID();
    let asked = 0;
    const taken = await this.#bull
      .use(({ worker }) => {
        asked = performance.now();
        return worker.getNextJob(token, { block: false });
      })
      .catch((error) => {
        this.#inDoubt.add(token);
        throw error;
      });
    if (taken === undefined) return undefined;
    const { key, job } = taken.data;
    const { leaseMs } = this.#options;
    const leased = { key, job: job as J, attempt: attemptOf(taken), leaseMs };
    const keeper = new BullLease(this.#link, taken, { ...this.#options, token });
    return new HeldLease(leased, keeper, asked);
  }

  /** What was leased while the answer was lost, nobody else would have before the lease runs out. */
  async #giveBackDoubtful(): Promise<void> {
    const doubtful = new Set(this.#inDoubt);
    if (doubtful.size === 0) return;
    await this.#bull.use(async ({ queue }) => {
      for (const job of await queue.getActive()) {
        const token = await this.#link.redis.get(`${queue.toKey(job.id ?? "")}:lock`);
        if (token !== null && doubtful.has(token)) await job.moveToWait(token);
      }
    });
    for (const token of doubtful) this.#inDoubt.delete(token);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await this.#bull.close();
    this.#link.leave();
  }
}

/** Those that failed, and those whose worker was killed, and this one. */
function attemptOf(job: BullJob<QueuedData>): number {
  return job.attemptsMade + job.stalledCounter + 1;
}
