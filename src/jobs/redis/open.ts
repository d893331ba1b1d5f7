import { type Jobs, jobsOf } from "../jobs.ts";
import type { QueuedJob } from "../submit-job.ts";
import { BullParts } from "./bull-parts.ts";
import { RedisLedger } from "./ledger.ts";
import { RedisLink } from "./link.ts";
import { RedisQueue } from "./queue.ts";
import { type ToldBlocks, toldBlocksBy } from "./told-blocks.ts";

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
  /** PEM certificates to trust in place of the system's, with `rediss:`. */
  readonly ca?: string;
  /** They are opened though Redis does not answer yet. */
  readonly mayBeAway?: boolean;
  /** Told, once, what of how Redis is set up may lose jobs. */
  readonly warn?: (text: string) => void;
}

/** Jobs in Redis, and what else goes by the same connection while they are open. */
export interface RedisJobs<J> extends Jobs<J> {
  readonly told: ToldBlocks;
  /** Why Redis cannot be asked now, for people; undefined: it can be. */
  trouble(): string | undefined;
}

/**
 * Opens jobs that are kept in Redis or Valkey. The parts, or the whole, are to be closed. What is added survives a crash of
 * Redis as its `appendfsync` says.
 *
 * @param url `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS
 * @throws {JobError} `job.queue-unreachable`; of what may be away only where Redis refuses
 */
export async function openRedisJobs<J = QueuedJob>(
  url: string,
  options: RedisJobsOptions,
): Promise<RedisJobs<J>> {
  const { now, prefix = "{amphora}", leaseMs = 30_000, patienceMs = 10_000, ...more } = options;
  const link = await RedisLink.open(url, { prefix, patienceMs, ...more });
  const queueOf = <Q>(name: string) =>
    new RedisQueue<Q>(link, new BullParts(link, { name, leaseMs }), { now, leaseMs });
  const jobs = jobsOf({
    queue: queueOf<J>("jobs"),
    webhooks: queueOf<QueuedJob>("webhooks"),
    ledger: new RedisLedger(link, now),
  });
  return { ...jobs, told: toldBlocksBy(link), trouble: () => link.trouble };
}
