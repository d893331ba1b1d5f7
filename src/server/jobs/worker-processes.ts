import { type ChildProcess, spawn } from "node:child_process";
import type { Report } from "../server-event.ts";

/** How workers are started. */
export interface WorkerProcessesOptions {
  readonly count: number;
  /** Program and arguments of each, from 1: the same program, as `worker`. */
  command(number: number): readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long one may take to end before it is killed. */
  readonly endWithinMs: number;
  readonly report: Report;
}

/**
 * Workers in processes of their own, each started again where it ends by itself. None runs before the first {@link wake}.
 * Disposing ends them, and returns when they are gone; so does the end of this process, since they read from a pipe that
 * then closes.
 */
export interface WorkerProcesses extends AsyncDisposable {
  /** There is work, or will be. */
  wake(): void;
  /** Has others take their place, that read the settings as they are now: those that run end with the jobs that they have. */
  renew(): void;
}

/** Starts nothing yet. */
export function createWorkerProcesses(options: WorkerProcessesOptions): WorkerProcesses {
  const keepers = Array.from(
    { length: options.count },
    (_, index) => new Keeper(options, index + 1),
  );
  return {
    wake() {
      for (const keeper of keepers) keeper.wake();
    },
    renew() {
      for (const keeper of keepers) keeper.renew();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(keepers.map((keeper) => keeper.end()));
    },
  };
}

const shortestPauseMs = 250;
const longestPauseMs = 30_000;
/** One that lived so long did not die of its start. */
const steadyAfterMs = 60_000;

class Keeper {
  readonly #options: WorkerProcessesOptions;
  readonly #number: number;
  #child: ChildProcess | undefined;
  /** They have had their successors. */
  readonly #leaving = new Set<ChildProcess>();
  #again: NodeJS.Timeout | undefined;
  #ending = false;
  #awake = false;
  #pauseMs = shortestPauseMs;

  constructor(options: WorkerProcessesOptions, number: number) {
    this.#options = options;
    this.#number = number;
  }

  wake(): void {
    if (this.#awake || this.#ending) return;
    this.#awake = true;
    this.#start();
  }

  renew(): void {
    const child = this.#child;
    if (!child || this.#ending) return; // whoever begins later reads them
    this.#leaving.add(child);
    child.kill("SIGHUP");
    this.#start();
  }

  #start(): void {
    const { command, env, report } = this.#options;
    const [program, ...args] = command(this.#number);
    const began = performance.now();
    const child = spawn(program, args, { env, stdio: ["pipe", "ignore", "inherit"] });
    this.#child = child;
    child.stdin?.on("error", () => {});
    let isOver = false;
    const over = (how: number | string, error?: Error) => {
      if (isOver) return;
      isOver = true;
      if (this.#leaving.delete(child)) return;
      this.#child = undefined;
      if (this.#ending) return;
      const fields = { how, worker: this.#number };
      report({
        type: "message",
        level: "error",
        text: "a worker has ended",
        fields,
        ...(error && { error }),
      });
      this.#startLater(performance.now() - began);
    };
    child.on("error", (error) => over("cannot be started", error));
    child.on("exit", (code, signal) => over(code ?? signal ?? ""));
  }

  #startLater(livedMs: number): void {
    if (livedMs > steadyAfterMs) this.#pauseMs = shortestPauseMs;
    this.#again = setTimeout(() => this.#start(), this.#pauseMs);
    this.#again.unref();
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
  }

  async end(): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#again);
    const children = [...this.#leaving, ...(this.#child ? [this.#child] : [])];
    await Promise.all(children.map((child) => end(child, this.#options.endWithinMs)));
  }
}

async function end(child: ChildProcess, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  // No signal: a terminal may have sent one to all of us, and a second one ends a worker at once.
  child.stdin?.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
  await ended;
  clearTimeout(timer);
}
