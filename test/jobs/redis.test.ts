import { openRedisJobs } from "../../src/jobs/redis/open.ts";
import { skipWithout } from "../support/peers.ts";
import { startRedis } from "../support/redis.ts";
import { ledgerContract } from "./contract/ledger.ts";
import { queueContract } from "./contract/queue.ts";
import type { JobsPlace, JobsWorld, TestJob } from "./contract/world.ts";

const world: JobsWorld = {
  name: "Redis",
  skip: skipWithout("redis-server"),
  async place(): Promise<JobsPlace> {
    const server = await startRedis();
    const { url } = server;
    return {
      address: JSON.stringify({ url }),
      open: ({ now = Date.now, ...options } = {}) =>
        openRedisJobs<TestJob>(url, { now, ...options }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

queueContract(world);
ledgerContract(world);
