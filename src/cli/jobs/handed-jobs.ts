import type { Jobs } from "../../jobs/jobs.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { queueAddress } from "./open-jobs.ts";

/**
 * Where parts of mirrors wait for any worker: a queue and a ledger of their own, beside that of the jobs which somebody asked
 * for. Undefined where no others could share them.
 *
 * @throws {JobError} `job.queue-unreachable`
 */
export async function openHandedJobs(
  { jobs }: Pick<ServerSettings, "jobs">,
  now: () => number,
): Promise<Jobs | undefined> {
  if (jobs.queue === "embedded") return undefined;
  const { openRedisJobs } = await import("../../jobs/redis/open.ts");
  const { url, ...tls } = await queueAddress(jobs);
  return await openRedisJobs(url, { now, prefix: "{amphora}parts", ...tls });
}

/** A part that has ended is read by whoever handed it on while it waits for it; then nobody wants it. */
const keptMs = 15 * 60_000;

/** Forgets parts that have ended, now and then, until `signal` aborts. */
export function forgetHanded({ ledger }: Jobs, now: () => number, signal: AbortSignal): void {
  const forget = () => ledger.forget(now() - keptMs).catch(() => {}); // out of reach: the next time
  const timer = setInterval(() => void forget(), keptMs).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  void forget();
}
