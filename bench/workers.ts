import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startRedis } from "../test/support/redis.ts";
import { parseArguments } from "./arguments.ts";
import { freePort, listening } from "./ports.ts";
import { type ServeRow, serveTable } from "./serve-report.ts";
import { type Ends, SyncWorld } from "./sync-world.ts";
import { findProgram } from "./tools.ts";

const usage =
  "node bench/workers.ts [--tags N] [--runs N] [--rtt MS] [--slots N] [--workers N] [--prefix WORDS]";
const program = join(import.meta.dirname, "../bin/amphora");

interface Run {
  readonly ends: Ends;
  readonly workers: number;
  readonly slots: number;
  readonly redis: string;
}

/** Runs one mirror on so many workers. @returns milliseconds from the first attempt to the end, as the ledger has them */
async function mirrorOn({ ends, workers, slots, redis }: Run): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "bench-workers-"));
  const children: ChildProcess[] = [];
  try {
    const port = await freePort();
    const config = join(folder, "serve.yaml");
    await writeFile(config, settings(port, redis, ends));
    children.push(start(["serve", "--config", config, "--data", join(folder, "data")]));
    await listening(port);
    for (let n = 0; n < workers; n++)
      children.push(start(["worker", "--config", config, "--slots", String(slots)]));
    await pause(3000); // workers have no door to knock at
    return await timeOf(`http://127.0.0.1:${port}`);
  } finally {
    for (const child of children) await end(child);
    await rm(folder, { recursive: true, force: true });
  }
}

function settings(port: number, redis: string, { source, destination }: Ends): string {
  const host = (name: string, at: string) => ({ host: name, url: `http://${at}`, insecure: true });
  return JSON.stringify({
    listen: [`127.0.0.1:${port}`],
    log: { level: "error" },
    jobs: {
      queue: `${redis}/0`,
      workers: 0,
      "server-url": `http://127.0.0.1:${port}`,
      "allowed-hosts": [host("source.example", source), host("target.example", destination)],
    },
  });
}

function start(words: readonly string[]): ChildProcess {
  return spawn(program, words, { stdio: ["ignore", "ignore", "inherit"] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

interface JobAnswer {
  readonly job: {
    readonly id: string;
    readonly state: string;
    readonly startedAt?: number;
    readonly endedAt?: number;
    readonly failure?: { readonly message: string };
  };
}

async function timeOf(url: string): Promise<number> {
  const mirror = { mirrors: [{ from: "source.example/many", to: "target.example/mirror/" }] };
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "sync", mirror }),
  });
  if (answer.status !== 202) throw new Error(await answer.text());
  const { job } = (await answer.json()) as JobAnswer;
  for (;;) {
    const now = ((await (await fetch(`${url}/api/v1/jobs/${job.id}`)).json()) as JobAnswer).job;
    if (now.state === "done") return (now.endedAt ?? 0) - (now.startedAt ?? 0);
    if (!["waiting", "running", "delayed"].includes(now.state))
      throw new Error(`the mirror is ${now.state}: ${now.failure?.message}`);
    await pause(100);
  }
}

/** `node bench/workers.ts`: one mirror far away, on one worker and on many. */
async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      tags: { type: "string", default: "200" },
      runs: { type: "string", default: "3" },
      rtt: { type: "string", default: "100" },
      slots: { type: "string", default: "4" },
      workers: { type: "string", default: "4" },
      prefix: { type: "string" },
    },
  });
  const prefix = values.prefix === undefined ? [] : ["--prefix", values.prefix];
  const registry = await findProgram("docker-registry", parseArguments(prefix, process.env));
  if (!registry) throw new Error("no docker-registry on PATH, nor behind --prefix");
  const many = Number(values.workers);
  const times = new Map<number, number[]>([
    [1, []],
    [many, []],
  ]);
  const tags = { count: Number(values.tags), ownBytes: 200_000 };
  await using world = await SyncWorld.make(registry, tags);
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [workers, taken] of times) {
      await world.empty();
      await using redis = await startRedis();
      await using ends = await world.ends(Number(values.rtt));
      taken.push(await mirrorOn({ ends, workers, slots: Number(values.slots), redis: redis.url }));
    }
  }
  const row: ServeRow = {
    name: `${tags.count} tags ${values.rtt} ms away, ${many} workers (other: one)`,
    unit: "ms",
    ours: times.get(many) ?? [],
    theirs: times.get(1) ?? [],
    goal: { of: "ratio", atMost: 0.35 },
  };
  console.log(serveTable([row]));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
  process.exitCode = 1;
}
