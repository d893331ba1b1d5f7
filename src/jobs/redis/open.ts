import type { Jobs } from "../jobs.ts";
import { BullParts } from "./bull-parts.ts";
import { RedisLedger } from "./ledger.ts";
import { RedisLink } from "./link.ts";
import { RedisQueue } from "./queue.ts";

/** How Redis is used. */
export interface RedisJobsOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What all keys begin with; `{…}` keeps them in one slot of a cluster. */
  readonly prefix?: string;
  /** After which a worker that was killed has lost its jobs. */
  readonly leaseMs?: number;
  /** How long an answer of Redis is waited for. */
  readonly patienceMs?: number;
}

/**
 * Opens jobs that are kept in Redis or Valkey. Both parts, or the whole, are to be closed. What is added survives a crash of
 * Redis as its `appendfsync` says.
 *
 * @param url `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS
 * @throws {JobError} `job.queue-unreachable`
 */
export async function openRedisJobs<J>(url: string, options: RedisJobsOptions): Promise<Jobs<J>> {
  const { now, prefix = "{amphora}", leaseMs = 30_000, patienceMs = 10_000 } = options;
  const link = await RedisLink.open(url, { prefix, patienceMs });
  const queue = new RedisQueue<J>(link, new BullParts(link, leaseMs), { now, leaseMs });
  const ledger = new RedisLedger(link, now);
  return {
    queue,
    ledger,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await ledger[Symbol.asyncDispose]();
    },
  };
}
