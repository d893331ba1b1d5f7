import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../server-event.ts";
import { SigningError } from "./errors.ts";
import { socketAnswers } from "./socket-answers.ts";

/** How the signer is started. */
export interface SignerProcessOptions {
  /** Program and arguments: the same program, as `signer`. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly socket: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly report: Report;
  /** How long it has to have run for its end to be the first again: a minute by default. */
  readonly calmAfterMs?: number;
}

const readyWithinMs = 20_000;
const shortestPauseMs = 250;
const longestPauseMs = 30_000;

/**
 * A signer in a process of its own, started again where it ends. Disposing of it ends it; so does the end of this process,
 * since it reads from a pipe that then closes.
 *
 * @throws {SigningError} `signing.signer-unreachable` where it does not come to listen
 */
export async function startSignerProcess(options: SignerProcessOptions): Promise<AsyncDisposable> {
  const keeper = new SignerKeeper(options);
  await keeper.begin();
  return keeper;
}

class SignerKeeper implements AsyncDisposable {
  readonly #options: SignerProcessOptions;
  #child: ChildProcess | undefined;
  #ended = false;
  #pauseMs = shortestPauseMs;

  constructor(options: SignerProcessOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    this.#start();
    const signal = AbortSignal.timeout(readyWithinMs);
    while (!(await socketAnswers(this.#options.socket))) {
      if (signal.aborted || this.#child?.exitCode !== null) {
        await this[Symbol.asyncDispose]();
        throw new SigningError("signing.signer-unreachable", "The signer does not start", {
          hint: "Its own lines in the log say why",
        });
      }
      await sleep(50);
    }
    this.#pauseMs = shortestPauseMs;
  }

  #start(): void {
    const { command, env, uid, gid, report, calmAfterMs = 60_000 } = this.#options;
    const [program, ...args] = command;
    const child = spawn(program, args, {
      env,
      stdio: ["pipe", "ignore", "inherit"],
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    });
    this.#child = child;
    child.stdin?.on("error", () => {});
    child.on("error", (error) =>
      report({ type: "message", level: "error", text: "the signer cannot be started", error }),
    );
    const calm = setTimeout(() => {
      this.#pauseMs = shortestPauseMs;
    }, calmAfterMs);
    calm.unref();
    child.on("exit", (code, signal) => {
      clearTimeout(calm);
      this.#exited(child, code ?? signal ?? "");
    });
  }

  #exited(child: ChildProcess, how: number | string): void {
    if (this.#ended || child !== this.#child) return;
    const { report } = this.#options;
    report({ type: "message", level: "error", text: "the signer has ended", fields: { how } });
    const again = setTimeout(() => this.#ended || this.#start(), this.#pauseMs);
    again.unref();
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.stdin?.end();
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
  }
}
