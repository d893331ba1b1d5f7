import type { Job } from "../job.ts";
import type { JobQuery } from "../ledger.ts";
import type { LedgerKeys } from "./ledger-keys.ts";
import type { RedisLink } from "./link.ts";

/** How many are read at once at least: some of them may not be wanted. */
const leastPage = 50;

/** The newest first: along the narrowest set of ids that Redis has, and of these what else is asked for. */
export async function listJobs(
  link: RedisLink,
  keys: LedgerKeys,
  query: JobQuery,
): Promise<readonly Job[]> {
  const limit = Math.min(query.limit, 500);
  const found: Job[] = [];
  for (let before = query.before; found.length < limit; ) {
    const ids = await idsBefore(link, query, before, Math.max(leastPage, limit));
    if (ids.length === 0) break;
    before = ids.at(-1);
    found.push(...(await keys.readAll(ids)).filter((job) => isAsked(job, query)));
  }
  return found.slice(0, limit);
}

/** From each set those that come next; of all these, the newest: so none is left out. */
async function idsBefore(
  link: RedisLink,
  query: JobQuery,
  before: string | undefined,
  count: number,
): Promise<readonly string[]> {
  const { redis, prefix } = link;
  const highest = before === undefined ? "+" : `(${before}`;
  const found = await link.ask(() =>
    Promise.all(
      setsOf(query).map((set) =>
        redis.zrevrangebylex(`${prefix}:ids${set}`, highest, "-", "LIMIT", 0, count),
      ),
    ),
  );
  const newest = [...new Set(found.flat())].toSorted().toReversed();
  return newest.slice(0, count);
}

function setsOf({ owner, states, kind }: JobQuery): readonly string[] {
  if (owner !== undefined) return [`:owner:${owner}`];
  if (states !== undefined) return states.map((state) => `:state:${state}`);
  return [kind === undefined ? "" : `:kind:${kind}`];
}

function isAsked(job: Job, { states, kind, owner }: JobQuery): boolean {
  return (
    (states?.includes(job.state) ?? true) &&
    (kind ?? job.request.kind) === job.request.kind &&
    (owner ?? job.owner) === job.owner
  );
}
