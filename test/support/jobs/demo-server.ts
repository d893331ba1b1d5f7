// Serves the jobs API with made-up jobs in every state, one of which goes on for as long as it is watched:
//   node test/support/jobs/demo-server.ts [PORT]
// For whoever builds or tests the page; nothing is copied. A job that is started "runs" for some seconds.
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, JobRequest } from "../../../src/jobs/job.ts";
import { createJobId } from "../../../src/jobs/job-id.ts";
import { jobsApi } from "../../../src/server/jobs/api.ts";
import type { KnownSchedule, NamedMirror } from "../../../src/server/jobs/parts.ts";
import { createMetrics } from "../../../src/server/metrics/metrics.ts";
import { serverSettings } from "../../../src/server/settings.ts";
import type { Face } from "../../../src/server/shell/faces.ts";
import { startServer } from "../../../src/server/shell/start-server.ts";
import { MemoryLedger, MemoryQueue } from "./memory-jobs.ts";

const hour = 3_600_000;
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const sync = (mirror: string): JobRequest => ({ kind: "sync", mirror, dryRun: false });
const copy = (name: string): JobRequest => ({
  kind: "copy",
  from: { image: `docker://docker.io/library/${name}` },
  to: { image: `docker://registry.example/hub/${name}`, credentials: "own" },
  options: {},
});

const mirrors: readonly NamedMirror[] = [
  {
    name: "base-images",
    rules: [
      { from: "docker.io/library/alpine", to: "registry.example/hub/" },
      { from: "docker.io/library/debian", to: "registry.example/hub/" },
    ],
  },
  { name: "tools", rules: [{ from: "quay.io/tools/*", to: "registry.example/tools/" }] },
];

/** What the demo is told of afterwards. */
export interface DemoServer extends AsyncDisposable {
  readonly url: string;
  readonly ledger: MemoryLedger;
}

/** Starts it; `faces` are served besides, without asking anybody who they are. */
export async function startDemo(
  options: { readonly port?: number; readonly faces?: readonly Face[] } = {},
): Promise<DemoServer> {
  const ending = new AbortController();
  const ledger = new MemoryLedger();
  const queue = new MemoryQueue();
  await tellStories(ledger);
  const access = {
    anonymous: true,
    identify: async () => ({ user: "ann", address: "127.0.0.1" }),
    allows: () => true,
    challenge: () => 'Basic realm="demo"',
  };
  const schedules: readonly KnownSchedule[] = [
    {
      name: "base-images",
      cron: "0 3 * * *",
      timeZone: "Europe/Berlin",
      request: sync("base-images"),
      nextRun: () => Date.now() + 9 * hour,
    },
  ];
  const api = jobsApi({
    ledger,
    queue,
    access,
    isOwnName: () => true,
    named: () => ({ mirrors, schedules, rules: { async check() {}, checkWebhook() {} } }),
    now: Date.now,
    report() {},
    signal: ending.signal,
  });
  const settings = serverSettings.parse({ listen: [`127.0.0.1:${options.port ?? 0}`] });
  const server = await startServer(settings, {
    access,
    faces: [api, ...(options.faces ?? [])],
    metrics: createMetrics(),
    report() {},
    version: "0.0.0",
  });
  const working = work(ledger, queue, ending.signal);
  return {
    url: server.urls[0] ?? "",
    ledger,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await server.stop();
      await working;
    },
  };
}

/** A job in every state, from some hours ago until now. */
async function tellStories(ledger: MemoryLedger): Promise<void> {
  const now = Date.now();
  const add = async (ago: number, job: Partial<Job> & Pick<Job, "request" | "state">) => {
    const createdAt = now - ago;
    const id = createJobId(createdAt);
    const begun = job.state !== "waiting" && job.state !== "delayed";
    const over = begun && job.state !== "running";
    const base = { id, createdAt, owner: "ann", attempts: begun ? 1 : 0, cancelRequested: false };
    const times = {
      ...(begun && { startedAt: createdAt + 900 }),
      ...(over && { endedAt: createdAt + 64_000 }),
    };
    await ledger.create({ ...base, ...times, ...job });
    return id;
  };
  const figures = { bytesMoved: 734_003_200, bytesSpared: 2_147_483_648, ms: 63_100 };
  const summary = {
    images: 240,
    copied: 31,
    unchanged: 207,
    left: 0,
    failed: 2,
    companions: 12,
    pruned: 3,
    failedRules: 0,
    stopped: 0,
    prunable: 0,
    imageRetries: 4,
    ...figures,
  };
  const progress = {
    images: { found: 240, ended: 240, failed: 2 },
    bytes: { moved: figures.bytesMoved, spared: figures.bytesSpared },
  };
  const nightly = await add(9 * hour, {
    request: sync("base-images"),
    owner: "schedule:base-images",
    state: "done",
    progress,
    result: { kind: "sync", summary },
  });
  const image = (tag: string) => ({
    type: "image" as const,
    from: `docker://docker.io/library/alpine:${tag}`,
    to: `docker://registry.example/hub/library/alpine:${tag}`,
  });
  await ledger.note(nightly, {
    ...image("3.20"),
    state: "copied",
    digest: digest("a"),
    bytes: 3_400_000,
  });
  await ledger.note(nightly, { ...image("3.19"), state: "unchanged", digest: digest("b") });
  await ledger.note(nightly, {
    ...image("2.7"),
    state: "failed",
    code: "registry.not-found",
    message: "reading manifest 2.7 in docker.io/library/alpine: manifest unknown",
  });
  await ledger.note(nightly, {
    ...image("edge"),
    state: "refused",
    code: "policy.refused",
    message: "Source image rejected: A signature was required, but no signature exists",
  });
  await ledger.note(nightly, { type: "state", state: "done" });
  await add(5 * hour, {
    request: copy("nginx:1"),
    state: "done",
    result: { kind: "copy", digest: digest("c"), unchanged: false },
  });
  await add(4 * hour, {
    request: copy("redis:7"),
    state: "failed",
    attempts: 3,
    failure: {
      code: "registry.unauthorized",
      message: "writing blob: unauthorized: authentication required",
      hint: "Name credentials",
    },
  });
  await add(3 * hour, {
    request: copy("mysql:8"),
    state: "refused",
    failure: {
      code: "policy.refused",
      message: "Source image rejected: A signature was required, but no signature exists",
    },
  });
  await add(2 * hour, { request: copy("node:26"), state: "cancelled", cancelRequested: true });
  const of = { image: "docker://registry.example/team/app:1" };
  await add(hour, {
    request: { kind: "sign", image: of, key: "release" },
    state: "done",
    result: { kind: "sign", digest: digest("d"), keyId: "0123456789ABCDEF" },
  });
  await add(hour / 2, {
    request: { kind: "verify", image: of },
    state: "done",
    result: {
      kind: "verify",
      digest: digest("d"),
      allowed: false,
      reason: "no signature by a key that is trusted",
    },
  });
  await add(1000, { request: copy("postgres:17"), state: "delayed", notBefore: now + hour });
}

/** Plays what is queued, and what runs from the start. */
async function work(ledger: MemoryLedger, queue: MemoryQueue, signal: AbortSignal): Promise<void> {
  const id = createJobId(Date.now());
  const base = { id, createdAt: Date.now(), owner: "ann", attempts: 0, cancelRequested: false };
  await ledger.create({ ...base, request: sync("tools"), state: "waiting" });
  await queue.add(id, { id });
  const played: Promise<void>[] = [];
  for await (const lease of queue.leases({ signal }))
    played.push(play(ledger, lease.key, signal).then(() => lease.done()));
  await Promise.all(played);
}

async function play(ledger: MemoryLedger, id: string, signal: AbortSignal): Promise<void> {
  await ledger.change(id, { state: "running", startedAt: Date.now(), attempts: 1 });
  const many = 40;
  const size = 40_000_000;
  for (let number = 1; number <= many && !signal.aborted; number++) {
    const job = await ledger.get(id);
    if (job?.cancelRequested) {
      await ledger.change(id, { state: "cancelled", endedAt: Date.now() });
      return;
    }
    const from = `docker://quay.io/tools/tool:${number}`;
    const image = {
      type: "image",
      from,
      to: `docker://registry.example/tools/tool:${number}`,
    } as const;
    await ledger.note(id, { ...image, state: "started" });
    for (let sent = 0; sent <= size && !signal.aborted; sent += size / 5) {
      await ledger.note(id, { type: "blob", image: from, digest: digest("e"), sent, size });
      await sleep(200, undefined, { signal }).catch(() => {});
    }
    const isBad = number % 9 === 0;
    await ledger.note(
      id,
      isBad
        ? { ...image, state: "failed", code: "registry.rate-limited", message: "too many requests" }
        : { ...image, state: "copied", digest: digest("e"), bytes: size },
    );
    const failed = Math.floor(number / 9);
    await ledger.progress(id, {
      images: { found: many, ended: number, failed },
      bytes: { moved: (number - failed) * size, spared: 0 },
    });
  }
  const failure = { code: "sync.images-failed", message: "4 of 40 images failed" };
  await ledger.change(id, { state: "failed", failure, endedAt: Date.now() });
}

if (import.meta.main) {
  const demo = await startDemo({ port: Number(process.argv[2] ?? 0) });
  process.stdout.write(`${demo.url}\n`);
  process.once("SIGINT", () => void demo[Symbol.asyncDispose]());
  process.once("SIGTERM", () => void demo[Symbol.asyncDispose]());
}
