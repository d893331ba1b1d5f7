import { Redis } from "ioredis";
import { clock } from "../../src/cli/clock.ts";
import { createRedisCoordinator } from "../../src/jobs/redis/coordinator.ts";

/** A worker that has a turn for as long as it lives: `node turn-holder.ts SOCKET KEY LEASE-MS`. */
const [socket = "", key = "", leaseMs = ""] = process.argv.slice(2);
const redis = new Redis(socket, { lazyConnect: true });
const coordinator = createRedisCoordinator(redis, {
  limitsOf: () => ({}),
  clock,
  worker: `holder ${process.pid}`,
  leaseMs: Number(leaseMs),
});
await coordinator.exclusively(key, new AbortController().signal, async () => {
  process.stdout.write("has it\n");
  await new Promise(() => {});
});
