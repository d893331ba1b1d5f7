import type { Jobs } from "../../jobs/jobs.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { queueUrl } from "./open-jobs.ts";

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
  return await openRedisJobs(await queueUrl(jobs), { now, prefix: "{amphora}parts" });
}
