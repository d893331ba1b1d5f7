import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { clock } from "../../src/cli/clock.ts";
import { createRedisCoordinator } from "../../src/jobs/redis/coordinator.ts";
import type { Clock } from "../../src/registry/clock.ts";
import type { Coordinator, HostLimits } from "../../src/sync/coordinator.ts";
import { createLocalCoordinator } from "../../src/sync/local-coordinator.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

/** Where several workers agree. */
export interface Meeting extends AsyncDisposable {
  /** A worker's coordinator; where workers share memory, the same for all. */
  join(options?: { readonly leaseMs?: number; readonly clock?: Clock }): Coordinator;
}

/** In this process. */
export async function meetInMemory(limits: HostLimits, time: Clock = clock): Promise<Meeting> {
  const coordinator = createLocalCoordinator(() => limits, time);
  return {
    join: () => coordinator,
    [Symbol.asyncDispose]: () => coordinator[Symbol.asyncDispose](),
  };
}

/** Over a Redis of its own. */
export async function meetAtRedis(
  limits: HostLimits,
): Promise<Meeting & { readonly server: RedisServer }> {
  const server = await startRedis();
  const stack = new AsyncDisposableStack();
  stack.use(server);
  return {
    server,
    join({ leaseMs, clock: time = clock } = {}) {
      const redis = new Redis(server.socket, { lazyConnect: true });
      return stack.use(
        createRedisCoordinator(redis, {
          limitsOf: () => limits,
          clock: time,
          worker: randomUUID(),
          ...(leaseMs !== undefined && { leaseMs }),
        }),
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Passes when it is so; a test's own time-out ends what never is. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(5);
}
