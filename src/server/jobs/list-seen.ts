import type { Job } from "../../jobs/job.ts";
import { namedMirror } from "../../jobs/job-request.ts";
import type { JobLedger, JobQuery } from "../../jobs/ledger.ts";

/** How many are read at once at least: some may be by specifications of their own. */
const leastPage = 200;

/** The newest first of one's own jobs, and of the runs of mirrors that all who have jobs may see. */
export async function listSeen(
  ledger: Pick<JobLedger, "list">,
  owner: string,
  query: Omit<JobQuery, "owner">,
): Promise<readonly Job[]> {
  const own = await ledger.list({ ...query, owner });
  const runs =
    query.kind === undefined || query.kind === "sync" ? await listRuns(ledger, query) : [];
  const all = new Map([...own, ...runs].map((job) => [job.id, job]));
  return [...all.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit);
}

async function listRuns(
  ledger: Pick<JobLedger, "list">,
  query: Omit<JobQuery, "owner">,
): Promise<readonly Job[]> {
  const runs: Job[] = [];
  const limit = Math.max(leastPage, query.limit);
  for (let next: JobQuery | undefined = { ...query, kind: "sync", limit }; next; ) {
    const page: readonly Job[] = await ledger.list(next);
    runs.push(...page.filter(({ request }) => namedMirror(request) !== undefined));
    const before = page.at(-1)?.id;
    const isMore: boolean = page.length === limit && runs.length < query.limit;
    next = isMore && before !== undefined ? { ...next, before } : undefined;
  }
  return runs;
}
