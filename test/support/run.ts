import { spawn } from "node:child_process";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  /** What the program sees as its own name. */
  readonly argv0?: string;
  readonly signal?: AbortSignal;
  /** Killed after this long. Default 300 000. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with nothing of this process's environment but what is given. */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? 300_000);
  const child = spawn(program, args, {
    env: { PATH: "/usr/bin:/bin", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    killSignal: "SIGKILL",
    signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.argv0 && { argv0: options.argv0 }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    // An abort is an "error" too, but then the child still ends with a signal.
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.name !== "AbortError") reject(error);
    });
    child.on("close", (exitCode, signal) =>
      resolve({
        exitCode,
        signal,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
  });
}
