import { Worker } from "node:worker_threads";
import type { PoolTask, WorkerResult, WorkerTask } from "./messages.ts";
import { workerFile } from "./worker-file.ts";

/** What layers are unpacked on. */
export interface UnpackThread {
  /** Settles when nobody works in the task's folders any more. */
  run(task: WorkerTask): Promise<WorkerResult>;
}

/** A thread for one layer, which can touch nothing but that layer's folders. */
export class OwnThread implements UnpackThread {
  async run(task: WorkerTask): Promise<WorkerResult> {
    const worker = startWorker(task);
    let result: WorkerResult | undefined;
    worker.on("message", (message: WorkerResult) => {
      result = message;
    });
    const failure = await endOf(worker);
    if (result) return result;
    throw failure;
  }
}

/**
 * A thread for many layers, one at a time: starting one costs more than unpacking a small layer. It can touch nothing but the pool that
 * they all lie in, and so one layer's bytes have nothing but the unpacking itself between them and the others' files: it is for blobs
 * that belong together and whose bytes were verified before.
 */
export class SharedThread implements UnpackThread, AsyncDisposable {
  readonly #worker: Worker;
  readonly #end: Promise<Error>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(pool: readonly string[]) {
    this.#worker = startWorker({ pool });
    this.#end = endOf(this.#worker);
    this.#worker.unref();
  }

  async run(task: WorkerTask): Promise<WorkerResult> {
    const mine = this.#turn.then(() => this.#next(task));
    this.#turn = mine.catch(() => {});
    return await mine;
  }

  async #next(task: WorkerTask): Promise<WorkerResult> {
    const answer = Promise.withResolvers<WorkerResult>();
    const take = (message: WorkerResult) => answer.resolve(message);
    this.#worker.ref();
    this.#worker.once("message", take);
    this.#worker.postMessage(task);
    const result = await Promise.race([answer.promise, this.#end]);
    this.#worker.off("message", take);
    this.#worker.unref(); // an idle one keeps nobody
    if (result instanceof Error) throw result;
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    await this.#worker.terminate();
  }
}

/**
 * The worker needs no environment and none of Node's flags. And Node must not close its files when it ends: it does not see
 * which the worker has closed by itself, and their numbers may be another worker's by then.
 */
const quiet = { env: {}, execArgv: [] as string[], trackUnmanagedFds: false };

function startWorker(workerData: WorkerTask | PoolTask): Worker {
  return new Worker(workerFile, { workerData, ...quiet });
}

/** Waits until it has ended; gives what would be wrong if that was too early. */
async function endOf(worker: Worker): Promise<Error> {
  let failure: Error | undefined;
  worker.on("error", (error: Error) => {
    failure = error;
  });
  await new Promise((resolve) => worker.on("exit", resolve));
  return failure ?? new Error("the unpacking thread ended without a word");
}
