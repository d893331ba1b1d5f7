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
import { type LedgerKeys, ledgerKeys } from "./ledger-keys.ts";
import type { RedisLink } from "./link.ts";
import { listJobs } from "./list-jobs.ts";

/** A ledger in Redis. */
export class RedisLedger implements JobLedger {
  readonly #link: RedisLink;
  readonly #keys: LedgerKeys;
  readonly #now: () => number;
  readonly #closed = new AbortController();

  constructor(link: RedisLink, now: () => number) {
    this.#link = link.join();
    this.#keys = ledgerKeys(link);
    this.#now = now;
  }

  async create(job: Job, options: { readonly idempotencyKey?: string } = {}) {
    const { idempotencyKey: key } = options;
    const idem = key === undefined ? "" : JSON.stringify([job.owner, key]);
    const made = await this.#keys.create(job, idem, this.#now());
    if (made.isNew) this.#link.tell("ledger");
    return made;
  }

  async get(id: string): Promise<Job | undefined> {
    return (await this.#keys.read(id))?.job;
  }

  list(query: JobQuery): Promise<readonly Job[]> {
    return listJobs(this.#link, this.#keys, query);
  }

  async change(
    id: string,
    change: JobChange,
    where: ChangeCondition = {},
  ): Promise<Job | undefined> {
    for (;;) {
      const now = this.#now();
      const known = await this.#keys.read(id);
      if (known === undefined) return undefined;
      const changed = changedJob(known.job, change, { ...where, now });
      if (changed === undefined) return undefined;
      if (!(await this.#keys.update(changed, known.revision, now))) continue;
      this.#link.tell("ledger", id);
      return changed;
    }
  }

  async progress(id: string, progress: JobProgress): Promise<void> {
    if (await this.#keys.progress(id, progress)) this.#link.tell("ledger", id);
  }

  async note(id: string, event: JobEvent): Promise<void> {
    if (await this.#keys.note(id, event, this.#now())) this.#link.tell("ledger", id);
  }

  watch(
    id: string,
    after: number,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<NotedEvent> {
    return watchStory((last) => this.#keys.story(id, last, page), after, {
      ...this.#until(options.signal),
      about: id,
    });
  }

  #until(signal: AbortSignal) {
    const { ledger: changes } = this.#link.changes;
    return { changes, signal: AbortSignal.any([signal, this.#closed.signal]) };
  }

  watchAll(options: { readonly signal: AbortSignal }): AsyncIterable<Job> {
    const since = this.#keys.version();
    since.catch(() => {}); // told to whoever iterates
    return watchChanges(
      (last) => this.#keys.changed(last, page),
      since,
      this.#until(options.signal),
    );
  }

  async forget(time: number): Promise<number> {
    for (let all = 0; ; ) {
      const some = await this.#keys.forget(time, page);
      all += some;
      if (some < page) return all;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#link.leave();
  }
}
