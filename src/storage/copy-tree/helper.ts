import { Worker } from "node:worker_threads";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import { type Batch, type HelpResult, type HelpTask, Tally } from "./messages.ts";
import { errorOf } from "./sent-error.ts";
import { copyWorkerFile } from "./worker-file.ts";

/** It is handed no more than it can do in some milliseconds, so that all who copy are through at the same time. */
const batchNames = 48;
const hungryBelow = 64;

/** A thread that copies some of a tree's files while its owner copies the others. */
export class Helper {
  readonly #worker: Worker;
  readonly #tally: Tally;
  readonly #result: Promise<HelpResult>;
  #given = 0;

  constructor(task: Omit<HelpTask, "tally">) {
    this.#tally = new Tally();
    const workerData: HelpTask = { ...task, tally: this.#tally.memory };
    // As for unpacking threads: Node does not see which files are closed, and their numbers may be others' by then.
    const quiet = { env: {}, execArgv: [], trackUnmanagedFds: false };
    this.#worker = new Worker(copyWorkerFile, { workerData, ...quiet });
    this.#result = resultOf(this.#worker);
    this.#result.catch(() => this.#tally.end()); // thrown by finish()
  }

  /** Takes some of the names, if it has little to do; gives how many. */
  take(path: ByteString, names: readonly ByteString[], first: number): number {
    if (this.#given - this.#tally.done >= hungryBelow || this.#tally.isOver) return 0;
    const batch = names.slice(first, first + batchNames);
    this.#post({ path, names: batch });
    this.#given += batch.length;
    return batch.length;
  }

  /** Waits until it has copied all that it took. @returns the paths that it left alone since their files have several names */
  async finish(signal: AbortSignal): Promise<readonly ByteString[]> {
    this.#post(undefined);
    const stop = () => this.#tally.end();
    signal.addEventListener("abort", stop);
    try {
      if (signal.aborted) stop();
      const { linked, failure } = await this.#result;
      signal.throwIfAborted();
      if (failure) throw errorOf(failure);
      return linked;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Waits until it works no more, whatever is done by then. */
  async abandon(): Promise<void> {
    this.#tally.end();
    this.#post(undefined);
    await this.#result.catch(() => {});
  }

  #post(batch: Batch): void {
    this.#worker.postMessage(batch);
  }
}

/** What it said, when it has ended. */
async function resultOf(worker: Worker): Promise<HelpResult> {
  let result: HelpResult | undefined;
  let failure = new Error("a copying thread ended without a word");
  worker.on("message", (message: HelpResult) => {
    result = message;
  });
  worker.on("error", (error: Error) => {
    failure = error;
  });
  await new Promise((resolve) => worker.on("exit", resolve));
  if (result) return result;
  throw failure;
}
