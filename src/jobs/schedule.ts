import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Job, JobRequest } from "./job.ts";
import { openStates, wasNotTaken } from "./job-rules.ts";
import type { ScheduleTimes } from "./schedule-times.ts";
import { cancelJob, type JobDesk, submitJob } from "./submit-job.ts";

/** What a clock starts. */
export interface Schedule {
  readonly name: string;
  readonly times: ScheduleTimes;
  readonly request: JobRequest;
  /** A job begins up to so much later, always the same for one time: so that not everybody comes at once. */
  readonly jitterMs?: number;
  readonly webhook?: string;
  /** Its times until then are seen to; absent: until its last job, or now where it never had one. */
  readonly seenTo?: number;
}

/** What happens to schedules, for a log. Times in milliseconds since the epoch. */
export type ScheduleEvent =
  | {
      readonly type: "schedule-fired";
      readonly name: string;
      readonly time: number;
      readonly id: string;
    }
  /** The job before it is not done yet. */
  | {
      readonly type: "schedule-skipped";
      readonly name: string;
      readonly time: number;
      readonly running: string;
    }
  /** Nobody was there from one time on; one job makes up for all, that of the last time. */
  | {
      readonly type: "schedule-missed";
      readonly name: string;
      readonly since: number;
      readonly time: number;
    }
  | { readonly type: "trouble"; readonly error: unknown };

/** What a scheduler works with. */
export interface SchedulerParts {
  readonly desk: JobDesk;
  readonly schedules: readonly Schedule[];
  /** Must neither throw nor wait. */
  readonly report: (event: ScheduleEvent) => void;
}

/** Starts jobs until it is disposed of. */
export interface Scheduler extends AsyncDisposable {
  /** When a schedule starts a job next; undefined: never, or there is no such schedule. */
  next(name: string): number | undefined;
  /** Until when a schedule's times are seen to, for one that goes on with it; undefined where that is not known yet. */
  seenTo(name: string): number | undefined;
}

/** Clocks are set, and machines sleep: so often it is looked what time it is. */
const lookMs = 20_000;
/** A queue out of reach is tried again after. */
const outageMs = 5000;
/** Later than this, a time was missed. */
const lateMs = 60_000;

/** The owner of the jobs that a schedule starts. */
export function scheduleOwner(name: string): string {
  return `schedule:${name}`;
}

/**
 * Starts jobs by the clock. Several servers may do so for the same schedules: a time's job has a key made of both, so that
 * one job comes of it, and a schedule has one job at a time.
 */
export function createScheduler(parts: SchedulerParts): Scheduler {
  const stop = new AbortController();
  const seen = new Map<string, number>();
  const running = parts.schedules.map((schedule) => keep(parts, schedule, seen, stop.signal));
  return {
    next(name) {
      const schedule = parts.schedules.find((one) => one.name === name);
      return schedule?.times.next(parts.desk.now());
    },
    seenTo: (name) => seen.get(name),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

/** Never rejects. */
async function keep(
  parts: SchedulerParts,
  schedule: Schedule,
  seen: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const { desk, report } = parts;
  for (let after = schedule.seenTo; !signal.aborted; ) {
    try {
      after = Math.min(after ?? (await lastJobAt(desk, schedule)), desk.now()); // a clock may be set back
      seen.set(schedule.name, after);
      const next = schedule.times.next(after);
      const now = desk.now();
      if (next === undefined || next > now) {
        await pause(Math.min(lookMs, (next ?? now + lookMs) - now), undefined, { signal });
        continue;
      }
      const time = Math.max(next, schedule.times.last(now) ?? next);
      await fire(parts, schedule, { since: next, time });
      after = time;
    } catch (error) {
      if (signal.aborted) return;
      report({ type: "trouble", error });
      await pause(outageMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** When the schedule last made a job that the queue took; now where it never did. */
async function lastJobAt({ ledger, now }: JobDesk, { name }: Schedule): Promise<number> {
  const jobs = await ledger.list({ owner: scheduleOwner(name), limit: 10 });
  const job = jobs.find((one) => !wasNotTaken(one));
  return Math.min(job?.createdAt ?? now(), now());
}

/** Starts the job of a time, unless one of this schedule is under way. */
async function fire(
  { desk, report }: SchedulerParts,
  schedule: Schedule,
  { since, time }: { readonly since: number; readonly time: number },
): Promise<void> {
  const { name, request, webhook } = schedule;
  const owner = scheduleOwner(name);
  const [other] = await openJobs(desk, owner);
  if (other !== undefined) {
    // Made at this time or later, it is this time's, by another server.
    if (other.createdAt < time) report({ type: "schedule-skipped", name, time, running: other.id });
    return;
  }
  const missed = time !== since || desk.now() - time > lateMs;
  const { job, isNew } = await submitJob(desk, {
    ...{ request, owner, idempotencyKey: `${name}@${new Date(time).toISOString()}` },
    ...{ notBefore: time + jitterOf(schedule, time) },
    ...(webhook !== undefined && { webhook }),
  });
  if (!isNew) return;
  if (await yieldsToOther(desk, job)) return;
  report({ type: "schedule-fired", name, time, id: job.id });
  if (!missed) return;
  report({ type: "schedule-missed", name, since, time });
  const text = `This makes up for what was not done since ${new Date(since).toISOString()}`;
  await desk.ledger.note(job.id, { type: "message", level: "warning", text });
}

function openJobs({ ledger }: JobDesk, owner: string): Promise<readonly Job[]> {
  return ledger.list({ owner, states: openStates, limit: 10 });
}

/** Two servers that each saw none may have made two, of different times: one of them sees both, and ends the later. */
async function yieldsToOther(desk: JobDesk, job: Job): Promise<boolean> {
  const open = await openJobs(desk, job.owner);
  const [first, ...later] = open.map(({ id }) => id).toSorted();
  for (const id of later) await cancelJob(desk, id);
  return first !== undefined && later.includes(job.id);
}

/** Of one time the same everywhere. */
function jitterOf({ name, jitterMs = 0 }: Schedule, time: number): number {
  const hash = createHash("sha256").update(`${name}@${time}`).digest();
  return Math.floor((hash.readUInt32BE(0) / 2 ** 32) * jitterMs);
}
