import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openEmbeddedJobs } from "../../src/jobs/embedded/open.ts";
import { runWebhooks, type WebhookEvent, webhookSignature } from "../../src/jobs/webhook.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import { tempFolder } from "../support/temp.ts";
import { jobOf } from "./contract/ledger.ts";

const options = { timeout: 120_000 };

interface Call {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers calls by these statuses in turn, the last of them for good; 0 never answers. */
async function startHook(...statuses: readonly number[]) {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    let body = "";
    for await (const chunk of request) body += chunk;
    calls.push({ method, url, headers, body });
    const status = statuses[Math.min(calls.length, statuses.length) - 1] ?? 200;
    if (status === 0) return;
    response.writeHead(status, { location: "/elsewhere" }).end("thanks");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    calls,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=t`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Tells of one job's end until nothing is left to tell. */
async function tellOf(
  webhook: string,
  settings: {
    readonly state?: "done" | "running";
    readonly secret?: string;
    readonly inward?: boolean;
    readonly timeoutMs?: number;
    readonly allowed?: boolean;
  } = {},
) {
  const { state = "done", secret, inward = true, timeoutMs = 60_000, allowed = true } = settings;
  await using folder = await tempFolder();
  await using jobs = await openEmbeddedJobs(folder.in("jobs.db"), { now: Date.now });
  const job = jobOf({ webhook });
  await jobs.ledger.create(job);
  await jobs.ledger.change(job.id, { state });
  await jobs.webhooks.add(job.id, { id: job.id });
  await using http = createHttpClient({
    connections: 2,
    tlsFor: () => ({ ca: [], clientCertificates: [], verify: true }),
    proxyFor: () => undefined,
    mayConnect: () => inward,
  });
  const stop = new AbortController();
  const events: WebhookEvent[] = [];
  const running = runWebhooks({
    ...jobs,
    ...{ http, timeoutMs, now: Date.now, random: Math.random, signal: stop.signal },
    attempts: 3,
    backoff: { firstMs: 1, mostMs: 1 },
    userAgent: "amphora/test",
    check: () => {
      if (!allowed) throw new Error("not allowed");
    },
    secret: async () => secret,
    present: ({ id }) => ({ id }),
    report: (event) => void events.push(event),
  });
  for (;;) {
    const { waiting, delayed, running: now } = await jobs.webhooks.size();
    if (waiting + now === 0 && (delayed === 0 || state === "running")) break;
    await pause(5);
  }
  stop.abort();
  await running;
  return { id: job.id, events };
}

test("runWebhooks() posts the job, signed", options, async () => {
  await using hook = await startHook(204);
  const { id, events } = await tellOf(hook.url, { secret: "s3cret" });
  const [call, ...more] = hook.calls;
  assert.equal(more.length, 0);
  assert.deepEqual([call?.method, call?.url], ["POST", "/hook?token=t"]);
  assert.deepEqual(JSON.parse(call?.body ?? ""), { job: { id } });
  const { headers = {} } = call ?? {};
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["amphora-event"], "job.done");
  assert.equal(headers["amphora-delivery"], id);
  assert.equal(headers["user-agent"], "amphora/test");
  const timestamp = String(headers["amphora-timestamp"]);
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 100);
  const signature = webhookSignature("s3cret", timestamp, Buffer.from(call?.body ?? ""));
  assert.equal(headers["amphora-signature"], signature);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["webhook-told"],
  );
  assert.doesNotMatch(JSON.stringify(events), /token=t/);
});

test("webhookSignature() is HMAC-SHA256 of the time, a dot and the body", () => {
  // printf '%s' '1700000000.{}' | openssl dgst -sha256 -hmac key
  const expected = "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
  assert.equal(webhookSignature("key", "1700000000", Buffer.from("{}")), expected);
});

test("runWebhooks() signs nothing without a secret", options, async () => {
  await using hook = await startHook(200);
  await tellOf(hook.url);
  assert.equal(hook.calls[0]?.headers["amphora-signature"], undefined);
});

test("runWebhooks() calls again who has not taken it, so many times", options, async () => {
  await using hook = await startHook(500, 404, 200);
  const { events } = await tellOf(hook.url);
  assert.deepEqual(
    events.map((event) => [event.type, "reason" in event && event.reason]),
    [
      ["webhook-failed", "answered 500"],
      ["webhook-failed", "answered 404"],
      ["webhook-told", false],
    ],
  );
  assert.equal(new Set(hook.calls.map(({ headers }) => headers["amphora-delivery"])).size, 1);
  await using refusing = await startHook(500);
  await tellOf(refusing.url);
  assert.equal(refusing.calls.length, 3);
});

test("runWebhooks() follows no redirect", options, async () => {
  await using hook = await startHook(302);
  const { events } = await tellOf(hook.url);
  assert.deepEqual([...new Set(hook.calls.map(({ url }) => url))], ["/hook?token=t"]);
  assert.equal(events.filter(({ type }) => type === "webhook-told").length, 0);
});

test("runWebhooks() waits for an answer no longer than it is told", options, async () => {
  await using hook = await startHook(0);
  const { events } = await tellOf(hook.url, { timeoutMs: 50 });
  assert.equal(events.length, 3);
  assert.ok(events.every(({ type }) => type === "webhook-failed"));
});

test("runWebhooks() calls nobody who may not be called", options, async () => {
  await using hook = await startHook(200);
  await tellOf(hook.url, { allowed: false });
  await tellOf(hook.url, { inward: false });
  assert.equal(hook.calls.length, 0);
});

test("runWebhooks() tells nothing of a job that has not ended", options, async () => {
  await using hook = await startHook(200);
  const { events } = await tellOf(hook.url, { state: "running" });
  assert.deepEqual([events, hook.calls.length], [[], 0]);
});
