import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { NamedDocuments } from "../../server/jobs/mirrors.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { Coordinator, HostLimits } from "../../sync/coordinator.ts";
import { createLocalCoordinator, type LimitsOf } from "../../sync/local-coordinator.ts";
import { clock } from "../clock.ts";
import { queueAddress } from "./open-jobs.ts";

/**
 * What all who do jobs agree on: through the queue's Redis with every other worker, else within this process. Limits of
 * hosts are those of the mirrors of the settings; the tightest counts.
 */
export async function openCoordinator(
  { jobs }: Pick<ServerSettings, "jobs">,
  mirrors: NamedDocuments,
): Promise<Coordinator> {
  const limitsOf = limitsIn(mirrors);
  if (jobs.queue === "embedded") return createLocalCoordinator(limitsOf, clock);
  const { Redis } = await import("ioredis");
  const { createRedisCoordinator } = await import("../../jobs/redis/coordinator.ts");
  const { url, ca } = await queueAddress(jobs);
  const redis = new Redis(url, { lazyConnect: true, ...(ca !== undefined && { tls: { ca } }) });
  // Names are given by people, and two may have the same.
  const worker = `${hostname()}/${process.pid}/${randomBytes(6).toString("hex")}`;
  return createRedisCoordinator(redis, { limitsOf, clock, worker });
}

function limitsIn(mirrors: NamedDocuments): LimitsOf {
  const known = new Map<string, HostLimits>();
  for (const { hosts } of mirrors.values())
    for (const [name, { limits }] of hosts) known.set(name, tightest(known.get(name), limits));
  return (host) => known.get(host) ?? {};
}

function tightest(one: HostLimits = {}, other: HostLimits): HostLimits {
  const merged: Record<string, number> = { ...one };
  for (const [name, value] of Object.entries(other) as [keyof HostLimits, number][]) {
    const before = merged[name];
    const wanted = name === "keptPulls" ? Math.max : Math.min;
    merged[name] = before === undefined ? value : wanted(before, value);
  }
  return merged;
}
