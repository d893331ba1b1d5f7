// A process that works on a place of jobs: ROLE ADDRESS OPTIONS. What it does is appended to a log that all share, in the order
// in which it happens; it is killed or frozen by whoever started it.
import { once } from "node:events";
import { appendFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { JobError } from "../../../src/jobs/errors.ts";
import type { Jobs } from "../../../src/jobs/jobs.ts";
import type { Lease } from "../../../src/jobs/queue.ts";
import { openAddress } from "./open-address.ts";
import type { TestJob } from "./world.ts";

/** What a process is told. */
export interface ProcessOptions {
  readonly log: string;
  /** Where it is marked what is being done. */
  readonly marks: string;
  readonly leaseMs: number;
  readonly keys?: readonly string[];
}

const [role = "", address = "", text = "{}"] = process.argv.slice(2);
const options = JSON.parse(text) as ProcessOptions;
const name = String(process.pid);

function log(...words: readonly (string | number)[]): void {
  appendFileSync(options.log, `${[name, ...words].join(" ")}\n`);
}

/** Marks that a job is being done; says so if somebody who lives does it already. Who is killed here leaves no mark without a name. */
function mark(key: string): string {
  const file = `${options.marks}/${key}`;
  const own = `${file}.${name}`;
  writeFileSync(own, name);
  try {
    linkSync(own, file);
    rmSync(own);
  } catch {
    const other = readFileSync(file, "utf8");
    if (lives(other)) log("double", key, other);
    renameSync(own, file);
  }
  return file;
}

function lives(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Does it until it can be done. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof JobError) || error.code !== "job.queue-unreachable") throw error;
      await pause(20);
    }
  }
}

/** One of seven is tried again the first time. */
async function work(lease: Lease<TestJob>): Promise<void> {
  const { key, attempt, job } = lease;
  const file = mark(key);
  log("began", key, attempt);
  await pause(job.n % 10);
  rmSync(file);
  const again = job.n % 7 === 0 && attempt === 1;
  try {
    await insist(() => (again ? lease.again({ notBefore: new Date() }) : lease.done()));
    log(again ? "again" : "ended", key);
  } catch (error) {
    if (!lease.lost.aborted) throw error;
    log("lost", key); // on a machine that is busy with something else
  }
}

async function hold(lease: Lease<TestJob>): Promise<void> {
  log("began", lease.key, lease.attempt);
  lease.lost.addEventListener("abort", () => log("lost", lease.key));
  for await (const _line of createInterface({ input: process.stdin })) {
    const outcome = await lease.done().then(
      () => "done",
      (error) => error.code,
    );
    log("settled", lease.key, outcome);
  }
}

async function add({ queue }: Jobs<TestJob>): Promise<void> {
  for (const [n, key] of (options.keys ?? []).entries()) {
    const told = () =>
      queue.add(key, { n }).catch((error) => {
        log("doubt", key); // it may be there all the same: then nobody is told that it was added
        throw error;
      });
    log(await insist(told), key);
  }
}

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const jobs = await insist(() =>
  openAddress(address, { leaseMs: options.leaseMs, patienceMs: 5000 }),
);
log("ready");
if (role === "add") {
  await add(jobs);
  await jobs[Symbol.asyncDispose]();
  log("gone");
} else {
  if (role === "both") {
    await add(jobs);
    log("filled");
    await once(process.stdin.resume(), "end");
  }
  for await (const lease of jobs.queue.leases({ signal: stop.signal })) {
    await (role === "hold" ? hold(lease) : work(lease));
  }
  await jobs[Symbol.asyncDispose]();
  log("gone");
}
