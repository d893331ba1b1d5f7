import type { Job, JobProgress } from "../job.ts";
import { changedJob } from "../job-rules.ts";
import type {
  ChangeCondition,
  JobChange,
  JobEvent,
  JobLedger,
  JobQuery,
  NotedEvent,
} from "../ledger.ts";
import type { JobsDatabase } from "./database.ts";
import { eventsAfter, noteRow } from "./event-rows.ts";
import {
  changedSince,
  createRow,
  forgetRows,
  isOpenRow,
  lastVersion,
  listRows,
  readRow,
  updateRow,
  writeProgress,
} from "./job-rows.ts";

/** How many events and jobs are read at once. */
const page = 200;
/** What is waited for comes as a change; this is for what was missed. */
const lookMs = 10_000;

/** A ledger in a file of SQLite. */
export class EmbeddedLedger implements JobLedger {
  readonly #database: JobsDatabase;
  readonly #now: () => number;
  readonly #closed = new AbortController();

  constructor(database: JobsDatabase, now: () => number) {
    this.#database = database.join();
    this.#now = now;
  }

  async create(job: Job, options: { readonly idempotencyKey?: string } = {}) {
    const created = await this.#database.write(() => {
      const made = createRow(this.#database, job, options.idempotencyKey);
      if (made.isNew) this.#note(job.id, { type: "state", state: job.state });
      return made;
    });
    await this.#database.durable();
    return created;
  }

  get(id: string): Promise<Job | undefined> {
    return this.#database.read(() => readRow(this.#database, id));
  }

  list(query: JobQuery): Promise<readonly Job[]> {
    return this.#database.read(() => listRows(this.#database, query));
  }

  async change(
    id: string,
    change: JobChange,
    where: ChangeCondition = {},
  ): Promise<Job | undefined> {
    const [changed, moved] = await this.#database.write(() => {
      const job = readRow(this.#database, id);
      const changed = job && changedJob(job, change, { ...where, now: this.#now() });
      if (changed === undefined) return [undefined, false];
      updateRow(this.#database, changed);
      const moved = job?.state !== changed.state;
      if (moved) this.#note(id, { type: "state", state: changed.state });
      return [changed, moved];
    });
    if (moved) await this.#database.durable();
    return changed;
  }

  async progress(id: string, progress: JobProgress): Promise<void> {
    await this.#database.write(() => writeProgress(this.#database, id, progress));
  }

  async note(id: string, event: JobEvent): Promise<void> {
    await this.#database.write(() => {
      if (isOpenRow(this.#database, id)) this.#note(id, event);
    });
  }

  #note(id: string, event: JobEvent): void {
    noteRow(this.#database, id, event, this.#now());
  }

  async *watch(
    id: string,
    after: number,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<NotedEvent> {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    const { changes } = this.#database;
    for (let last = after; !signal.aborted; ) {
      const { mark } = changes;
      const { events, open } = await this.#database.read(() => this.#story(id, last));
      for (const event of events) {
        if (signal.aborted) return;
        last = event.number;
        yield event;
      }
      if (events.length === page) continue;
      if (!open) return;
      await changes.since(mark, lookMs, signal);
    }
  }

  /** What comes after `last`, and whether there may be more to come. One look: no change goes between. */
  #story(id: string, last: number) {
    return this.#database.atOnce(() => {
      return {
        events: eventsAfter(this.#database, { id, after: last, limit: page }),
        open: isOpenRow(this.#database, id),
      };
    });
  }

  watchAll(options: { readonly signal: AbortSignal }): AsyncIterable<Job> {
    const since = this.#database.read(() => lastVersion(this.#database));
    since.catch(() => {}); // told to whoever iterates
    return this.#changed(since, options.signal);
  }

  async *#changed(since: Promise<number>, outer: AbortSignal): AsyncGenerator<Job> {
    const signal = AbortSignal.any([outer, this.#closed.signal]);
    const { changes } = this.#database;
    for (let last = await since; !signal.aborted; ) {
      const { mark } = changes;
      const changed = await this.#database.read(() => changedSince(this.#database, last, page));
      for (const { job, version } of changed) {
        if (signal.aborted) return;
        last = version;
        yield job;
      }
      if (changed.length < page) await changes.since(mark, lookMs, signal);
    }
  }

  async forget(time: number): Promise<number> {
    for (let all = 0; ; ) {
      const some = await this.#database.write(() => forgetRows(this.#database, time, page));
      all += some;
      if (some < page) return all;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#database.leave();
  }
}
