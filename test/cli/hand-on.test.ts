import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { handOn } from "../../src/cli/jobs/hand-on.ts";
import type { Job, JobRequest, JobResult } from "../../src/jobs/job.ts";
import type { ImageEnd } from "../../src/sync/one-image.ts";
import type { SyncImage } from "../../src/sync/parts.ts";
import { MemoryLedger, MemoryQueue } from "../support/jobs/memory-jobs.ts";
import { mirrorRule } from "../support/mirror.ts";

const figures = { bytesMoved: 1, bytesSpared: 2, ms: 3, retries: 0 };
const failed: ImageEnd = {
  outcome: { type: "failed", code: "registry.unavailable", message: "busy", refused: false },
  figures,
};
const rule = mirrorRule("docker://a.example/app", "docker://b.example/app");

function image(tag: string): SyncImage {
  const end = (domain: string) => ({
    reference: { transport: "docker", text: `//${domain}/app:${tag}` },
  });
  return { from: end("a.example"), to: end("b.example") } as unknown as SyncImage;
}

const lost = { state: "failed" } as const;
const asResult = (made: Partial<JobResult>) => ({ kind: "sync", ...made }) as JobResult;

function imagesOf(request: JobRequest): number {
  return request.kind === "sync" ? (request.part?.images.length ?? 0) : 0;
}

/** A mirror that is handed on, and a worker that does what a test says. */
function world() {
  const ledger = new MemoryLedger();
  const queue = new MemoryQueue();
  let passing = 0;
  const bring = handOn({
    desk: { ledger, queue, now: () => 0 },
    job: "mirror",
    owner: "ann",
    request: { kind: "sync", mirror: "apps", dryRun: false },
    rules: [rule],
    tell() {},
    mayPass: () => passing++,
  });
  const parts = async (): Promise<readonly Job[]> => ledger.list({ limit: 10 });
  return {
    bring,
    parts,
    passing: () => passing,
    async work(count: number, result: (images: number) => Partial<JobResult> | undefined) {
      while ((await parts()).length < count) await sleep(5);
      for (const { id, request } of await parts()) {
        const made = result(imagesOf(request));
        await ledger.change(id, { state: "running" });
        await ledger.change(id, made ? { state: "done", result: asResult(made) } : lost);
      }
    },
  };
}

test("images are handed on two at a time, and end as the workers say", async () => {
  const at = world();
  const { signal } = new AbortController();
  const brought = Promise.all(["1", "2", "3"].map((tag) => at.bring(image(tag), rule, { signal })));
  await at.work(2, (images) => ({ ends: Array.from({ length: images }, () => failed) }));
  assert.deepEqual(await brought, [failed, failed, failed]);
  const sizes = (await at.parts()).map(({ request }) => imagesOf(request));
  assert.deepEqual(sizes.sort(), [1, 2]);
  // They said that it would be no better another time.
  assert.equal(at.passing(), 0);
});

test("what may go well another time is told, and so is a part that no worker did", async () => {
  const at = world();
  const { signal } = new AbortController();
  const first = at.bring(image("1"), rule, { signal });
  await at.work(1, () => ({ ends: [failed], mayPass: true }));
  assert.deepEqual(await first, failed);
  assert.equal(at.passing(), 1);
  const other = world();
  const second = other.bring(image("1"), rule, { signal });
  await other.work(1, () => undefined);
  const { outcome } = await second;
  assert.equal(outcome.type === "failed" && outcome.code, "job.worker-lost");
  assert.equal(other.passing(), 1);
});

test("called off, parts are cancelled, and their images are told as stopped", async () => {
  const at = world();
  const stop = new AbortController();
  const brought = at.bring(image("1"), rule, stop);
  while ((await at.parts()).length === 0) await sleep(5);
  stop.abort();
  assert.equal((await brought).outcome.type, "stopped");
  while ((await at.parts())[0]?.state !== "cancelled") await sleep(5);
  assert.equal((await at.bring(image("2"), rule, stop)).outcome.type, "stopped");
  assert.equal((await at.parts()).length, 1);
});
