import { Worker } from "node:worker_threads";
import type { Deflated, DeflateTask } from "./messages.ts";
import { deflateWorkerFile } from "./worker-file.ts";

/** After so long without work a thread ends: a server has nothing to pack for hours. */
const idleMs = 5_000;

/**
 * Deflates with the project's own encoder (encoder/encoder.ts), in threads that are there while there is work, each a task at
 * a time.
 */
export class DeflateThreads {
  readonly #idle: DeflateThread[] = [];

  /** Takes the task's memory along and gives it back. Runs as many at once as it is called. */
  async run(task: DeflateTask): Promise<Deflated> {
    const thread = this.#idle.pop() ?? new DeflateThread((ended) => this.#forget(ended));
    const deflated = await thread.run(task);
    this.#idle.push(thread);
    return deflated;
  }

  #forget(thread: DeflateThread): void {
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

/** One that fails is not asked again: what it works on may be in any state. */
class DeflateThread {
  readonly #worker: Worker;
  readonly #ended: (thread: DeflateThread) => void;
  #answer: PromiseWithResolvers<Deflated> | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(ended: (thread: DeflateThread) => void) {
    this.#ended = ended;
    this.#worker = new Worker(deflateWorkerFile, {
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    });
    this.#worker.on("message", (deflated: Deflated) => this.#answer?.resolve(deflated));
    this.#worker.on("error", (error: Error) => this.#answer?.reject(error));
    this.#worker.on("exit", () => {
      this.#ended(this);
      this.#answer?.reject(new Error("a deflating thread ended without a word"));
    });
  }

  async run(task: DeflateTask): Promise<Deflated> {
    clearTimeout(this.#idle);
    this.#answer = Promise.withResolvers();
    this.#worker.ref();
    this.#worker.postMessage(task, [task.memory]);
    const deflated = await this.#answer.promise;
    this.#worker.unref(); // an idle one keeps nobody
    this.#idle = setTimeout(() => this.#end(), idleMs).unref();
    return deflated;
  }

  #end(): void {
    this.#ended(this); // at once: nobody is to ask one that is about to end
    void this.#worker.terminate();
  }
}
