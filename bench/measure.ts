import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program, its arguments, and what its environment has besides this process's. */
export interface Command {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One run of a command. */
export interface Sample {
  readonly wallMs: number;
  /** User and system time, and peak resident memory: undefined where GNU time is not installed. */
  readonly cpuMs: number | undefined;
  readonly memoryMb: number | undefined;
}

const gnuTime = "/usr/bin/time";

/** Whether CPU and memory can be measured here. */
export const accounts = existsSync(gnuTime);

let files = 0;

/**
 * Runs the command to its end.
 *
 * @throws {Error} with what it said where it fails
 */
export async function measured(command: Command): Promise<Sample> {
  if (!accounts) {
    return { wallMs: await run(command), cpuMs: undefined, memoryMb: undefined };
  }
  const report = join(tmpdir(), `amphora-bench-${process.pid}-${files++}`);
  const words = [gnuTime, "-q", "-f", "%U %S %M", "-o", report, ...command.words];
  try {
    const wallMs = await run({ ...command, words });
    const [user = 0, system = 0, peakKb = 0] = (await readFile(report, "utf8"))
      .trim()
      .split(" ")
      .map(Number);
    return { wallMs, cpuMs: (user + system) * 1000, memoryMb: peakKb / 1024 };
  } finally {
    await rm(report, { force: true });
  }
}

/** Milliseconds from its start to its end. */
export function run({ words, env }: Command): Promise<number> {
  const [program = "", ...args] = words;
  const said: Buffer[] = [];
  const start = performance.now();
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(performance.now() - start);
      else reject(new Error(`${words.join(" ")} ended with ${code}: ${Buffer.concat(said)}`));
    });
  });
}
