import { openEmbeddedJobs } from "../../../src/jobs/embedded/open.ts";
import type { Jobs } from "../../../src/jobs/jobs.ts";
import { openRedisJobs } from "../../../src/jobs/redis/open.ts";
import type { OpenOptions, TestJob } from "./world.ts";

/** Opens a place of jobs by its address: `{"file"}` or `{"url"}`. */
export function openAddress<J = TestJob>(
  address: string,
  { now = Date.now, patienceMs = 60_000, leaseMs }: OpenOptions = {},
): Promise<Jobs<J>> {
  const { file, url } = JSON.parse(address) as { readonly file?: string; readonly url: string };
  const options = { now, patienceMs, ...(leaseMs !== undefined && { leaseMs }) };
  return file === undefined
    ? openRedisJobs<J>(url, options)
    : openEmbeddedJobs<J>(file, { ...options, pollMs: 50 });
}
