import type { Queue, Worker } from "bullmq";
import type { RedisLink } from "./link.ts";

/** What BullMQ keeps of a job. */
export interface QueuedData {
  readonly key: string;
  readonly job: unknown;
}

/** Asks BullMQ for another attempt after so many milliseconds. */
export class Again extends Error {
  readonly delayMs: number;

  constructor(delayMs: number) {
    super("to be tried again");
    this.delayMs = delayMs;
  }
}

/** How many that were buried are kept. */
const buriedKept = 1000;
const endless = 2 ** 31 - 1;

interface Parts {
  readonly queue: Queue<QueuedData>;
  readonly worker: Worker<QueuedData>;
}

/**
 * BullMQ's queue, and a worker that is asked for each job by hand. They are made when they are first needed, and anew where
 * the connection broke while they got ready: BullMQ's would be of no use for good then.
 */
export class BullParts {
  readonly #link: RedisLink;
  readonly #name: string;
  readonly #leaseMs: number;
  #parts: Promise<Parts> | undefined;
  #ready: Parts | undefined;
  #closed = false;

  constructor(link: RedisLink, options: { readonly name: string; readonly leaseMs: number }) {
    this.#link = link;
    this.#name = options.name;
    this.#leaseMs = options.leaseMs;
  }

  /** @throws {JobError} `job.queue-unreachable`; BullMQ's own where a job's state does not allow it */
  use<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    return this.#link.ask(async () => {
      if (this.#closed) throw new Error("The queue was closed");
      this.#parts ??= this.#make();
      const made = this.#parts;
      const parts = await made.catch((error) => {
        if (this.#parts === made) this.#parts = undefined;
        throw error;
      });
      return await work(parts);
    });
  }

  async #make(): Promise<Parts> {
    const { createRedisBackend, Queue, Worker } = await import("bullmq");
    const { redis: connection, prefix } = this.#link;
    const backend: typeof createRedisBackend = (name, options) => createRedisBackend(name, options);
    const shared = { connection, prefix, skipVersionCheck: true }; // it writes to standard error
    const queue = new Queue<QueuedData>(
      this.#name,
      {
        ...shared,
        defaultJobOptions: {
          attempts: endless,
          backoff: { type: "custom" },
          removeOnComplete: true,
          removeOnFail: { count: buriedKept },
          stackTraceLimit: 0,
        },
        streams: { events: { maxLen: 100 } },
      },
      backend,
    );
    const worker = new Worker<QueuedData>(
      this.#name,
      null,
      {
        ...shared,
        autorun: false,
        lockDuration: this.#leaseMs,
        stalledInterval: Math.max(100, this.#leaseMs / 4),
        maxStalledCount: endless,
        settings: {
          backoffStrategy: (_made, _type, error) => (error instanceof Again ? error.delayMs : 0),
        },
      },
      backend,
    );
    // Whoever asks for something is told what is wrong.
    queue.on("error", () => {});
    worker.on("error", () => {});
    try {
      await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
      await worker.startStalledCheckTimer();
      if (this.#closed) throw new Error("The queue was closed");
      this.#ready = { queue, worker };
      return this.#ready;
    } catch (error) {
      await close({ queue, worker });
      throw error;
    }
  }

  /** The connection stays. Parts that are being made are not waited for, since Redis may be away: they close themselves. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#ready !== undefined) await close(this.#ready);
  }
}

async function close({ queue, worker }: Parts): Promise<void> {
  await worker.close(true).catch(() => {});
  await queue.close().catch(() => {});
}
