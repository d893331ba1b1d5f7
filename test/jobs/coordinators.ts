import { randomUUID } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
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
  join(options?: JoinOptions): Coordinator;
}

export interface JoinOptions {
  readonly leaseMs?: number;
  readonly clock?: Clock;
  /** How long what is sent to Redis takes to get there; where workers share memory, nothing is sent. */
  readonly sentWithinMs?: number;
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
    join({ leaseMs, clock: time = clock, sentWithinMs } = {}) {
      const place =
        sentWithinMs === undefined
          ? server.socket
          : stack.use(farFrom(server.socket, sentWithinMs)).path;
      const redis = new Redis(place, { lazyConnect: true });
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

/** A socket that leads to another, and takes its time. */
function farFrom(socket: string, ms: number): AsyncDisposable & { readonly path: string } {
  const path = `${socket}.far-${randomUUID().slice(0, 8)}`;
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const there = connect(socket);
    for (const end of [near, there]) ends.add(end.on("error", () => {}));
    near.on("data", (data) => setTimeout(() => there.write(data), ms));
    there.pipe(near);
    near.on("close", () => there.destroy());
  });
  server.listen(path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const end of ends) end.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes when it is so; a test's own time-out ends what never is. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(5);
}
