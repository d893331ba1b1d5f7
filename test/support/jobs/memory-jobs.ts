import { setTimeout as sleep } from "node:timers/promises";
import type { Job, JobProgress } from "../../../src/jobs/job.ts";
import { wasNotTaken } from "../../../src/jobs/job-rules.ts";
import type { JobEvent, JobLedger, JobQuery, NotedEvent } from "../../../src/jobs/ledger.ts";
import type { JobQueue, Lease } from "../../../src/jobs/queue.ts";
import type { QueuedJob } from "../../../src/jobs/submit-job.ts";

const ended = new Set<Job["state"]>(["done", "failed", "refused", "cancelled"]);

/** A ledger that lives as long as the test. */
export class MemoryLedger implements JobLedger {
  readonly jobs = new Map<string, Job>();
  readonly #keys = new Map<string, string>();
  readonly #events = new Map<string, NotedEvent[]>();
  readonly #watchers = new Set<() => void>();
  readonly #changes: Job[] = [];
  readonly #now: () => number;
  /** Thrown in place of an answer. */
  failure: Error | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async create(job: Job, { idempotencyKey }: { readonly idempotencyKey?: string } = {}) {
    if (this.failure) throw this.failure;
    const key = idempotencyKey && JSON.stringify([job.owner, idempotencyKey]);
    const known = this.jobs.get(this.#keys.get(key ?? "") ?? "");
    if (known && !wasNotTaken(known)) return { job: known, isNew: false };
    if (key) this.#keys.set(key, job.id);
    this.#put(job);
    return { job, isNew: true };
  }

  async get(id: string): Promise<Job | undefined> {
    if (this.failure) throw this.failure;
    return this.jobs.get(id);
  }

  async list({ states, kind, owner, before, limit }: JobQuery): Promise<readonly Job[]> {
    return [...this.jobs.values()]
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      .filter((job) => !states || states.includes(job.state))
      .filter((job) => kind === undefined || job.request.kind === kind)
      .filter((job) => owner === undefined || job.owner === owner)
      .filter((job) => before === undefined || job.id < before)
      .slice(0, limit);
  }

  async change(
    id: string,
    change: Partial<Job>,
    { from }: { readonly from?: readonly Job["state"][] } = {},
  ): Promise<Job | undefined> {
    const job = this.jobs.get(id);
    if (!job || ended.has(job.state) || (from && !from.includes(job.state))) return undefined;
    const changed = { ...job, ...change };
    this.#put(changed);
    if (change.state && change.state !== job.state)
      await this.note(id, { type: "state", state: change.state });
    return changed;
  }

  async progress(id: string, progress: JobProgress): Promise<void> {
    const job = this.jobs.get(id);
    if (job) this.#put({ ...job, progress });
  }

  async note(id: string, event: JobEvent): Promise<void> {
    const events = this.#events.get(id) ?? [];
    this.#events.set(id, events);
    events.push({ number: events.length + 1, at: this.#now(), event });
    this.#wake();
  }

  async *watch(id: string, after: number, { signal }: { readonly signal: AbortSignal }) {
    for (let next = after; !signal.aborted; ) {
      const job = this.jobs.get(id);
      const event = this.#events.get(id)?.[next];
      if (event) {
        next = event.number;
        yield event;
      } else if (!job || ended.has(job.state)) return;
      else await this.#changed(signal);
    }
  }

  async *watchAll({ signal }: { readonly signal: AbortSignal }) {
    for (let next = this.#changes.length; !signal.aborted; ) {
      const job = this.#changes[next];
      if (job) {
        next++;
        yield job;
      } else await this.#changed(signal);
    }
  }

  async forget(time: number): Promise<number> {
    const old = [...this.jobs.values()].filter(({ endedAt }) => (endedAt ?? time) < time);
    for (const { id } of old) this.jobs.delete(id);
    return old.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #put(job: Job): void {
    this.jobs.set(job.id, job);
    this.#changes.push(job);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#watchers.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#watchers.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** A queue that nobody but this process knows. */
export class MemoryQueue implements JobQueue<QueuedJob> {
  readonly waiting = new Map<string, { readonly job: QueuedJob; readonly notBefore: number }>();
  readonly running = new Set<string>();
  /** Thrown in place of an answer. */
  failure: Error | undefined;

  async add(key: string, job: QueuedJob, { notBefore }: { readonly notBefore?: Date } = {}) {
    if (this.failure) throw this.failure;
    if (this.waiting.has(key) || this.running.has(key)) return "already-there" as const;
    this.waiting.set(key, { job, notBefore: notBefore?.getTime() ?? 0 });
    return "added" as const;
  }

  async remove(key: string) {
    if (this.running.has(key)) return "running" as const;
    return this.waiting.delete(key) ? ("removed" as const) : ("absent" as const);
  }

  async *leases({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<Lease<QueuedJob>> {
    while (!signal.aborted) {
      const due = [...this.waiting].find(([, { notBefore }]) => notBefore <= Date.now());
      if (due) yield this.#lease(due[0], due[1].job);
      else await sleep(20, undefined, { signal }).catch(() => {});
    }
  }

  async size() {
    const delayed = [...this.waiting.values()].filter(({ notBefore }) => notBefore > Date.now());
    const waiting = this.waiting.size - delayed.length;
    return { waiting, delayed: delayed.length, running: this.running.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #lease(key: string, job: QueuedJob): Lease<QueuedJob> {
    this.waiting.delete(key);
    this.running.add(key);
    const settle = (again?: number) => {
      if (!this.running.delete(key)) return;
      if (again !== undefined) this.waiting.set(key, { job, notBefore: again });
    };
    return {
      key,
      job,
      attempt: 1,
      lost: new AbortController().signal,
      done: async () => settle(),
      again: async ({ notBefore }) => settle(notBefore.getTime()),
      bury: async () => settle(),
      [Symbol.asyncDispose]: async () => settle(0),
    };
  }
}
