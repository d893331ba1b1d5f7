import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { tempFolder } from "../../support/temp.ts";
import type { ProcessOptions } from "./job-process.ts";
import type { JobsPlace } from "./world.ts";

const program = fileURLToPath(new URL("job-process.ts", import.meta.url));
/** For what a busy machine may take its time with. */
const longMs = 120_000;

/** A line of the log that processes share. */
export interface LogLine {
  readonly pid: number;
  readonly what: string;
  readonly key: string;
  readonly rest: string;
}

/** Processes on one place of jobs, and what they have done; those that are left are killed in the end. */
export class Processes implements AsyncDisposable {
  readonly #children = new Set<ChildProcess>();
  readonly #address: string;
  readonly #options: ProcessOptions;
  readonly #folder: AsyncDisposable;

  private constructor(address: string, options: ProcessOptions, folder: AsyncDisposable) {
    this.#address = address;
    this.#options = options;
    this.#folder = folder;
  }

  static async on(place: JobsPlace, leaseMs: number): Promise<Processes> {
    const folder = await tempFolder();
    const options = { log: folder.in("log"), marks: folder.in("marks"), leaseMs };
    writeFileSync(options.log, "");
    mkdirSync(options.marks);
    return new Processes(place.address, options, folder);
  }

  start(role: "work" | "hold" | "add" | "both", keys: readonly string[] = []): ChildProcess {
    const options = JSON.stringify({ ...this.#options, keys });
    const child = spawn(process.execPath, [program, role, this.#address, options], {
      stdio: ["pipe", "inherit", "inherit"],
    });
    this.#children.add(child);
    return child;
  }

  /** What was done so far, in order. */
  lines(...whats: readonly string[]): readonly LogLine[] {
    const text = readFileSync(this.#options.log, "utf8");
    const lines = text.split("\n").slice(0, -1);
    return lines
      .map((line) => {
        const [pid, what = "", key = "", ...rest] = line.split(" ");
        return { pid: Number(pid), what, key, rest: rest.join(" ") };
      })
      .filter(({ what }) => whats.length === 0 || whats.includes(what));
  }

  /** Waits until the log is as wanted. */
  async until(isSo: (lines: readonly LogLine[]) => boolean, what: string): Promise<void> {
    const end = performance.now() + longMs;
    while (!isSo(this.lines())) {
      assert.ok(performance.now() < end, `${what}:\n${readFileSync(this.#options.log, "utf8")}`);
      for (const { exitCode } of this.#children) assert.ok(!exitCode, `one ended by ${exitCode}`);
      await pause(10);
    }
  }

  /** Until nobody has anything to do. */
  async untilEnded(keys: readonly string[]): Promise<void> {
    await this.until((lines) => {
      const ended = new Set(lines.flatMap(({ what, key }) => (what === "ended" ? [key] : [])));
      return keys.every((key) => ended.has(key));
    }, `${keys.length} are to end`);
  }

  async kill(child: ChildProcess): Promise<void> {
    this.#children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Each is told to stop, and ends. Who is not ready yet would be killed by that. */
  async stop(...children: readonly ChildProcess[]): Promise<void> {
    await this.until((lines) => {
      const ready = new Set(lines.flatMap(({ what, pid }) => (what === "ready" ? [pid] : [])));
      return children.every(({ pid }) => pid !== undefined && ready.has(pid));
    }, "all are to be ready");
    for (const child of children) {
      const ended = child.exitCode === null ? once(child, "exit") : [child.exitCode];
      child.kill("SIGTERM");
      assert.equal((await ended)[0], 0);
      this.#children.delete(child);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await this.kill(child);
    await this.#folder[Symbol.asyncDispose]();
  }
}

/**
 * No job was done by two at once, begun again after its end, or counted wrongly: each attempt is one more than the last
 * begun, but for those that were killed before they could say so. Who adds without an answer, and asks again, may have
 * added anew what was done meanwhile: that begins as often again as there was doubt.
 *
 * @returns how many attempts were lost
 */
export function assertExact(lines: readonly LogLine[]): number {
  assert.deepEqual(
    lines.filter(({ what }) => what === "double"),
    [],
  );
  const keys = new Set(lines.map(({ key }) => key));
  return [...keys]
    .map((key) => attemptsLost(lines.filter((line) => line.key === key)))
    .reduce((sum, lost) => sum + lost, 0);
}

/** Of one key. */
function attemptsLost(lines: readonly LogLine[]): number {
  let doubts = lines.filter(({ what }) => what === "doubt").length;
  let attempt = 0;
  let going = 0;
  let lost = 0;
  for (const { what, key, rest } of lines) {
    if (what === "again") lost--;
    if (what === "ended") assert.ok(going-- > 0, `${key} ended twice`);
    if (what !== "began") continue;
    // Who has ended it may say so after another has begun what was added anew.
    if (attempt > 0 && (going === 0 || rest === "1")) {
      assert.ok(doubts-- > 0, `${key} was begun after its end, or anew`);
      attempt = 0;
    }
    assert.ok(Number(rest) > attempt, `${key}: attempt ${rest} after ${attempt}`);
    if (attempt === 0) going++;
    lost += Number(rest) - Math.max(1, attempt);
    attempt = Number(rest);
  }
  return lost;
}
