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
import { page, watchChanges, watchStory } from "../watching.ts";
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
    const created = await this.#database.write("ledger", () => {
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
    const [changed, moved] = await this.#database.write("ledger", () => {
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
    await this.#database.write("ledger", () => writeProgress(this.#database, id, progress));
  }

  async note(id: string, event: JobEvent): Promise<void> {
    await this.#database.write("ledger", () => {
      if (isOpenRow(this.#database, id)) this.#note(id, event);
    });
  }

  #note(id: string, event: JobEvent): void {
    noteRow(this.#database, id, event, this.#now());
  }

  watch(
    id: string,
    after: number,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<NotedEvent> {
    return watchStory((last) => this.#story(id, last), after, this.#until(options.signal));
  }

  #until(signal: AbortSignal) {
    const { ledger: changes } = this.#database.changes;
    return { changes, signal: AbortSignal.any([signal, this.#closed.signal]) };
  }

  /** What comes after `last`, and whether there may be more to come. One look: no change goes between. */
  #story(id: string, last: number) {
    const look = () => {
      return {
        events: eventsAfter(this.#database, { id, after: last, limit: page }),
        open: isOpenRow(this.#database, id),
      };
    };
    return this.#database.read(() => this.#database.atOnce(look));
  }

  watchAll(options: { readonly signal: AbortSignal }): AsyncIterable<Job> {
    const since = this.#database.read(() => lastVersion(this.#database));
    since.catch(() => {}); // told to whoever iterates
    return watchChanges(
      (last) => this.#database.read(() => changedSince(this.#database, last, page)),
      since,
      this.#until(options.signal),
    );
  }

  async forget(time: number): Promise<number> {
    for (let all = 0; ; ) {
      const some = await this.#database.write("ledger", () =>
        forgetRows(this.#database, time, page),
      );
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
