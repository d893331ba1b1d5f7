import { setTimeout as pause } from "node:timers/promises";
import type { Changes } from "./changes.ts";
import { JobError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { NotedEvent } from "./ledger.ts";

/** What is waited for is told as a change; this is for what was not heard. */
const lookMs = 5000;
/** How long a ledger that could not be reached is not asked again. */
const outageMs = 500;
/** How many events and jobs are read at once. */
export const page = 200;

/** Some of a job's events, at most {@link page}, and whether more may come. */
export interface StoryPart {
  readonly events: readonly NotedEvent[];
  readonly open: boolean;
}

/** A job, and the number of the change that made it so. */
export interface ChangedJob {
  readonly job: Job;
  readonly version: number;
}

/** A job's events after one, as {@link JobLedger.watch} tells them. A ledger out of reach is waited for. */
export async function* watchStory(
  read: (after: number) => Promise<StoryPart>,
  after: number,
  {
    changes,
    signal,
    about,
  }: { readonly changes: Changes; readonly signal: AbortSignal; readonly about?: string },
): AsyncGenerator<NotedEvent> {
  for (let last = after; !signal.aborted; ) {
    const { mark } = changes;
    const part = await waitingOut(() => read(last), signal);
    if (part === undefined) return;
    for (const event of part.events) {
      if (signal.aborted) return;
      last = event.number;
      yield event;
    }
    if (part.events.length === page) continue;
    if (!part.open) return;
    await changes.since(mark, lookMs, signal, about);
  }
}

/** Jobs as they change after `since`, as {@link JobLedger.watchAll} tells them. A ledger out of reach is waited for. */
export async function* watchChanges(
  read: (after: number) => Promise<readonly ChangedJob[]>,
  since: Promise<number>,
  { changes, signal }: { readonly changes: Changes; readonly signal: AbortSignal },
): AsyncGenerator<Job> {
  for (let last = await since; !signal.aborted; ) {
    const { mark } = changes;
    const changed = await waitingOut(() => read(last), signal);
    if (changed === undefined) return;
    for (const { job, version } of changed) {
      if (signal.aborted) return;
      last = version;
      yield job;
    }
    if (changed.length < page) await changes.since(mark, lookMs, signal);
  }
}

/** Undefined where `signal` aborts before there is an answer. */
async function waitingOut<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof JobError)) throw error;
    }
    await pause(outageMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
