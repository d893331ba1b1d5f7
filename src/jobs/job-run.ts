import { setTimeout as pause } from "node:timers/promises";
import { retryDelayMs } from "./backoff.ts";
import { JobError } from "./errors.ts";
import { classifyFailure } from "./failure.ts";
import type { Job, JobFailure, JobResult } from "./job.ts";
import { hasEnded, openStates } from "./job-rules.ts";
import type { JobChange } from "./ledger.ts";
import type { Lease } from "./queue.ts";
import type { QueuedJob } from "./submit-job.ts";
import type { WorkerParts } from "./worker.ts";

const defaultBackoff = { firstMs: 10_000, mostMs: 600_000 };
/** Between two tries to write down what became of a job. */
const writeAgainMs = 500;

/** What an attempt came to. */
type Outcome =
  | { readonly type: "ended"; readonly change: JobChange }
  | { readonly type: "again"; readonly change: JobChange; readonly notBefore: number }
  | { readonly type: "left"; readonly why: "lost" | "stopped" };

/** Why an attempt is ended early. */
const cancelled = Symbol("cancelled");

/**
 * One attempt at a job. The ledger is told first, the queue last: who is killed between leaves a lease that runs out, and
 * whoever gets it sees in the ledger how far it was.
 */
export class JobRun {
  readonly #parts: WorkerParts;
  readonly #lease: Lease<QueuedJob>;
  readonly #id: string;

  constructor(parts: WorkerParts, lease: Lease<QueuedJob>) {
    this.#parts = parts;
    this.#lease = lease;
    this.#id = lease.job.id;
  }

  /** Rejects on bugs only. */
  async run(): Promise<void> {
    await using lease = this.#lease;
    try {
      const job = await this.#begin();
      if (job === undefined) return await this.#settle(() => lease.done());
      await this.#end(job, await this.#attempt(job));
    } catch (error) {
      if (!lease.lost.aborted && !this.#parts.signal.aborted) throw error;
      const why = lease.lost.aborted ? "lost" : "stopped";
      this.#parts.report({ type: "job-left", id: this.#id, why });
    }
  }

  /** The job as it is now that it runs; undefined where nothing is left to do. */
  async #begin(): Promise<Job | undefined> {
    const { ledger, now, attempts } = this.#parts;
    const { attempt } = this.#lease;
    const job = await this.#settle(() => ledger.get(this.#id));
    if (job === undefined) return undefined;
    if (hasEnded(job.state)) return await this.#announce(job);
    if (job.cancelRequested) return await this.#close(job, { state: "cancelled" });
    if (attempt > attempts) return await this.#close(job, { state: "failed", failure: worn });
    const startedAt = job.startedAt ?? now();
    const change: JobChange = {
      ...{ state: "running", startedAt, attempts: attempt, notBefore: undefined },
    };
    const begun = await this.#settle(() => ledger.change(this.#id, change, { from: openStates }));
    if (begun) this.#parts.report({ type: "job-began", id: this.#id, attempt });
    return begun;
  }

  async #attempt(job: Job): Promise<Outcome> {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#parts.signal, this.#lease.lost, stop.signal]);
    const watching = this.#watchCancel(stop);
    try {
      const done = await this.#parts.perform(job, { signal, attempt: this.#lease.attempt });
      if (this.#lease.lost.aborted) return { type: "left", why: "lost" };
      return "failure" in done
        ? this.#failed(done.retryable ? "again" : "failed", done.failure, done.result)
        : { type: "ended", change: { state: "done", result: done, failure: undefined } };
    } catch (error) {
      return this.#thrown(error, stop.signal.reason === cancelled);
    } finally {
      clearInterval(watching);
    }
  }

  #thrown(error: unknown, wasCancelled: boolean): Outcome {
    if (this.#lease.lost.aborted) return { type: "left", why: "lost" };
    if (wasCancelled) return { type: "ended", change: { state: "cancelled" } };
    if (this.#parts.signal.aborted) return { type: "left", why: "stopped" };
    const { kind, failure } = classifyFailure(error);
    if (failure.code === "internal") this.#parts.report({ type: "bug", id: this.#id, error });
    return this.#failed(kind, failure);
  }

  #failed(
    kind: "again" | "refused" | "failed",
    failure: JobFailure,
    result: JobResult | undefined = undefined,
  ): Outcome {
    const { attempts, backoff = defaultBackoff, now, random } = this.#parts;
    const { attempt } = this.#lease;
    const told = { failure, ...(result && { result }) };
    if (kind !== "again" || attempt >= attempts) {
      return { type: "ended", change: { state: kind === "refused" ? kind : "failed", ...told } };
    }
    const notBefore = now() + retryDelayMs(attempt, backoff, random);
    return { type: "again", change: { state: "delayed", notBefore, ...told }, notBefore };
  }

  async #end(job: Job, outcome: Outcome): Promise<void> {
    const { ledger, report } = this.#parts;
    const { attempt: attempts } = this.#lease;
    switch (outcome.type) {
      case "left":
        if (outcome.why === "stopped") {
          await ledger.change(this.#id, { state: "waiting" }, { from: ["running"], attempts });
        }
        return report({ type: "job-left", id: this.#id, why: outcome.why });
      case "again": {
        const { change, notBefore } = outcome;
        await this.#settle(() => ledger.change(this.#id, change, { attempts }));
        await this.#settle(() => this.#lease.again({ notBefore: new Date(notBefore) }));
        const { failure = worn } = change;
        return report({ type: "job-again", id: this.#id, notBefore, failure });
      }
      case "ended":
        await this.#close(job, outcome.change, { attempts });
        await this.#settle(() => this.#lease.done());
    }
  }

  async #close(job: Job, change: JobChange, where = {}): Promise<undefined> {
    const ended = await this.#settle(() => this.#parts.ledger.change(this.#id, change, where));
    if (ended) this.#parts.report({ type: "job-ended", id: this.#id, state: ended.state });
    return await this.#announce(job);
  }

  /** Queues that somebody is told: before the lease ends, so that nobody is forgotten. */
  async #announce(job: Job): Promise<undefined> {
    if (job.webhook === undefined) return;
    await this.#settle(() => this.#parts.webhooks.add(this.#id, { id: this.#id }));
  }

  /** Looks now and then, since it must be seen in whatever process it was said. */
  #watchCancel(stop: AbortController): NodeJS.Timeout {
    const { ledger, cancelLookMs = 1000 } = this.#parts;
    const look = async () => {
      const job = await ledger.get(this.#id).catch(() => undefined);
      if (job?.cancelRequested || (job && hasEnded(job.state))) stop.abort(cancelled);
    };
    return setInterval(() => void look(), cancelLookMs);
  }

  /** Does what is to be done with queue and ledger, for as long as the lease is good. */
  async #settle<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof JobError) || error.code !== "job.queue-unreachable") throw error;
        this.#parts.report({ type: "trouble", error });
      }
      await pause(writeAgainMs, undefined, { signal: this.#lease.lost });
    }
  }
}

/** Its worker was killed each time, or never came back. */
const worn: JobFailure = {
  code: "job.worker-lost",
  message: "Cannot do the job: each worker that began it was lost",
};
