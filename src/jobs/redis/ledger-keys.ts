import { kept, keptAs } from "../event-rules.ts";
import type { Job, JobProgress } from "../job.ts";
import type { JobEvent, NotedEvent } from "../ledger.ts";
import type { RedisLink } from "./link.ts";
import * as scripts from "./scripts.ts";

/** A job, and which of its changes this was. */
export interface RevisedJob {
  readonly job: Job;
  readonly revision: string;
}

/** request, progress, body, rev of a job's key. */
type JobParts = readonly [string | null, string | null, string | null, string | null];

const members = ["request", "progress", "body", "rev"] as const;

/** What is done to the keys of a ledger; each is one step for all who see them. */
export type LedgerKeys = ReturnType<typeof ledgerKeys>;

/** @see scripts.ts */
export function ledgerKeys(link: RedisLink) {
  const { redis, prefix } = link;
  const run = async <T>(lua: string, ...values: readonly (string | number)[]): Promise<T> =>
    (await link.run(lua, values)) as T;

  return {
    async create(job: Job, idempotency: string, now: number) {
      const { request, progress, ...body } = job;
      const [isNew, parts] = await run<[number, JobParts]>(
        scripts.create,
        ...[job.id, idempotency, job.state, request.kind, job.owner, job.endedAt ?? ""],
        ...[JSON.stringify(request), progress ? JSON.stringify(progress) : ""],
        JSON.stringify(body),
        ...noted({ type: "state", state: job.state }, now),
      );
      return { job: revised(parts)?.job ?? job, isNew: isNew === 1 };
    },

    async read(id: string): Promise<RevisedJob | undefined> {
      const parts = await link.ask(() => redis.hmget(`${prefix}:job:${id}`, ...members));
      return revised(parts as unknown as JobParts);
    },

    async readAll(ids: readonly string[]): Promise<readonly Job[]> {
      const found = await link.ask(() =>
        Promise.all(ids.map((id) => redis.hmget(`${prefix}:job:${id}`, ...members))),
      );
      return found.flatMap((parts) => revised(parts as unknown as JobParts)?.job ?? []);
    },

    async update(job: Job, revision: string, now: number): Promise<boolean> {
      const { request: _, progress, ...body } = job;
      const changed = await run<number>(
        scripts.update,
        ...[job.id, revision, job.state, job.endedAt ?? ""],
        ...[progress ? JSON.stringify(progress) : "", JSON.stringify(body)],
        ...noted({ type: "state", state: job.state }, now),
      );
      return changed === 1;
    },

    async progress(id: string, progress: JobProgress): Promise<boolean> {
      return (await run<number>(scripts.progress, id, JSON.stringify(progress))) === 1;
    },

    async note(id: string, event: JobEvent, now: number): Promise<boolean> {
      return (await run<number>(scripts.note, id, ...noted(event, now))) === 1;
    },

    async story(id: string, after: number, limit: number) {
      const [open, told] = await run<[number, string[]]>(scripts.story, id, after, limit);
      const events = pairs(told).map(([number, text]) => toldEvent(Number(number), String(text)));
      return { events, open: open === 1 };
    },

    async version(): Promise<number> {
      return Number(await link.ask(() => redis.get(`${prefix}:version`)));
    },

    async changed(version: number, limit: number) {
      const found = await run<(string | JobParts)[]>(scripts.changed, version, limit);
      return pairs(found).flatMap(([number, parts]) => {
        const job = revised(parts as JobParts)?.job;
        return job ? [{ job, version: Number(number) }] : [];
      });
    },

    forget: (time: number, limit: number) => run<number>(scripts.forget, time, limit),
  };
}

/** at, slot, kind, how many are kept, and the event itself. */
function noted(event: JobEvent, at: number): readonly (string | number)[] {
  const { kind, slot = "" } = keptAs(event);
  return [at, slot, kind, kept[kind], JSON.stringify(event)];
}

function toldEvent(number: number, told: string): NotedEvent {
  const [at, _slot, _kind, event = ""] = told.split("\n");
  return { number, at: Number(at), event: JSON.parse(event) as JobEvent };
}

function revised([request, progress, body, revision]: JobParts): RevisedJob | undefined {
  if (request === null || body === null || revision === null) return undefined;
  const job = {
    ...JSON.parse(body),
    request: JSON.parse(request),
    ...(progress && { progress: JSON.parse(progress) }),
  };
  return { job, revision };
}

function pairs<T>(flat: readonly T[]): readonly (readonly [T, T])[] {
  return flat.flatMap((first, n) => (n % 2 === 0 ? [[first, flat[n + 1] as T] as const] : []));
}
