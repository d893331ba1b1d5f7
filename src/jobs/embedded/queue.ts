import { randomUUID } from "node:crypto";
import { HeldLease, type Settlement } from "../held-lease.ts";
import { leasesAsTheyCome } from "../lease-loop.ts";
import type { JobQueue, Lease } from "../queue.ts";
import type { JobsDatabase } from "./database.ts";
import { LeaseClock } from "./lease-clock.ts";
import { QueueRows } from "./queue-rows.ts";

/** What a queue is given. */
export interface EmbeddedQueueOptions {
  readonly name: string;
  readonly now: () => number;
  readonly leaseMs: number;
}

/** A queue in a file of SQLite. */
export class EmbeddedQueue<J> implements JobQueue<J> {
  readonly #database: JobsDatabase;
  readonly #rows: QueueRows;
  readonly #now: () => number;
  readonly #clock: LeaseClock;
  readonly #leaseMs: number;
  readonly #closed = new AbortController();

  constructor(database: JobsDatabase, options: EmbeddedQueueOptions) {
    this.#database = database.join();
    this.#rows = new QueueRows(database, options.name);
    this.#now = options.now;
    this.#clock = new LeaseClock(options.now, options.leaseMs);
    this.#leaseMs = options.leaseMs;
  }

  async add(key: string, job: J, options: { readonly notBefore?: Date } = {}) {
    const row = { key, job: JSON.stringify(job), due: options.notBefore?.getTime() };
    const isNew = await this.#database.write("queue", () => this.#rows.add(row, this.#now()));
    await this.#database.durable();
    return isNew ? "added" : "already-there";
  }

  remove(key: string) {
    return this.#database.write("queue", () => this.#rows.remove(key, this.#clock.read().lapsed));
  }

  size() {
    return this.#database.read(() => this.#rows.sizes(this.#clock.read()));
  }

  leases(options: { readonly signal: AbortSignal }): AsyncIterable<Lease<J>> {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    return leasesAsTheyCome(this.#database.changes.queue, () => this.#look(), signal);
  }

  /** A lease, or how long there will be none unless something changes. */
  async #look(): Promise<Lease<J> | number> {
    const time = this.#clock.read();
    const { now } = time;
    const turn = await this.#database.read(() => this.#rows.nextTurn(time, this.#leaseMs));
    if (turn > now) return Math.min(turn - now, this.#leaseMs); // the clock may be set meanwhile
    return (await this.#take()) ?? 0;
  }

  async #take(): Promise<Lease<J> | undefined> {
    const token = randomUUID();
    let asked = 0;
    const row = await this.#database.write("queue", () => {
      asked = performance.now();
      return this.#rows.give({ token, ...this.#clock.read(), leaseMs: this.#leaseMs });
    });
    if (row === undefined) return undefined;
    const { key, attempt } = row;
    const leased = { key, attempt, job: JSON.parse(row.job) as J, leaseMs: this.#leaseMs };
    return new HeldLease(leased, this.#keeper(key, token), asked);
  }

  #keeper(key: string, token: string) {
    const held = { key, token };
    return {
      renew: () =>
        this.#database.write("queue", () => this.#rows.renew(held, this.#now() + this.#leaseMs)),
      settle: async (how: Settlement) => {
        const ours = await this.#database.write("queue", () =>
          this.#rows.settle(held, how, this.#now()),
        );
        if (how.type !== "give-back") await this.#database.durable();
        return ours;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#database.leave();
  }
}
