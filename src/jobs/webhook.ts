import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { HttpClient } from "../registry/http/contract.ts";
import { type Backoff, retryDelayMs } from "./backoff.ts";
import { JobError } from "./errors.ts";
import type { Job } from "./job.ts";
import { hasEnded } from "./job-rules.ts";
import type { Jobs } from "./jobs.ts";
import type { Lease } from "./queue.ts";
import type { QueuedJob } from "./submit-job.ts";

/** What happens to webhooks, for a log. The URL may hold a secret: of it the host alone. */
export type WebhookEvent =
  | { readonly type: "webhook-told"; readonly id: string; readonly host: string }
  | {
      readonly type: "webhook-failed";
      readonly id: string;
      readonly host: string;
      readonly reason: string;
      /** Absent: it was the last time. */
      readonly notBefore?: number;
    }
  | { readonly type: "trouble"; readonly error: unknown };

/** What webhooks are called with. */
export interface WebhookParts extends Pick<Jobs, "webhooks" | "ledger"> {
  /** Follows no redirect; its `mayConnect` says which addresses may be connected to. */
  readonly http: HttpClient;
  /** @throws where a URL may not be called any more */
  readonly check: (url: string) => void;
  /** What is signed with, read anew for each call; undefined: nothing is signed. */
  readonly secret: () => Promise<string | undefined>;
  /** What the job looks like to others: its JSON is what is sent. */
  readonly present: (job: Job) => unknown;
  readonly userAgent: string;
  /** Calls in all. */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  readonly timeoutMs?: number;
  /** Calls at once. */
  readonly slots?: number;
  readonly signal: AbortSignal;
  /** Must neither throw nor wait. */
  readonly report: (event: WebhookEvent) => void;
  readonly now: () => number;
  readonly random: () => number;
}

const defaultBackoff = { firstMs: 5000, mostMs: 1_800_000 };
/** For a job that was to end at once when its webhook was queued. */
const notEndedMs = 2000;
/** How often that is looked for. */
const notEndedLooks = 5;

/**
 * Tells of jobs that have ended, until it is told to stop. Every end is told at least once; who is told twice sees the same
 * `amphora-delivery`.
 */
export async function runWebhooks(parts: WebhookParts): Promise<void> {
  const { webhooks, signal, slots = 4 } = parts;
  const running = new Set<Promise<void>>();
  for await (const lease of webhooks.leases({ signal })) {
    const call = tell(parts, lease)
      .catch((error) => parts.report({ type: "trouble", error }))
      .finally(() => running.delete(call));
    running.add(call);
    while (running.size >= slots) await Promise.race(running);
  }
  await Promise.all(running);
}

async function tell(parts: WebhookParts, held: Lease<QueuedJob>): Promise<void> {
  await using lease = held;
  const job = await parts.ledger.get(lease.job.id);
  if (job?.webhook === undefined) return await lease.done();
  if (!hasEnded(job.state)) {
    if (lease.attempt > notEndedLooks) return await lease.done(); // its end will queue it anew
    return await lease.again({ notBefore: new Date(parts.now() + notEndedMs) });
  }
  const { id } = job;
  const { host } = new URL(job.webhook);
  const reason = await call(parts, { ...job, webhook: job.webhook }, lease);
  if (parts.signal.aborted && reason !== undefined) return;
  if (reason === undefined) {
    await settled(lease, () => lease.done());
    return parts.report({ type: "webhook-told", id, host });
  }
  const { attempts = 8, backoff = defaultBackoff } = parts;
  if (lease.attempt >= attempts) {
    await settled(lease, () => lease.bury(reason));
    return parts.report({ type: "webhook-failed", id, host, reason });
  }
  const notBefore = parts.now() + retryDelayMs(lease.attempt, backoff, parts.random);
  await settled(lease, () => lease.again({ notBefore: new Date(notBefore) }));
  parts.report({ type: "webhook-failed", id, host, reason, notBefore });
}

/** Undefined where it was taken; else why not. */
async function call(
  parts: WebhookParts,
  job: Job & { readonly webhook: string },
  lease: Lease<QueuedJob>,
): Promise<string | undefined> {
  const { http, timeoutMs = 10_000 } = parts;
  try {
    parts.check(job.webhook);
    const body = Buffer.from(JSON.stringify({ job: parts.present(job) }));
    const signal = AbortSignal.any([parts.signal, lease.lost, AbortSignal.timeout(timeoutMs)]);
    await using response = await http.request({
      method: "POST",
      url: new URL(job.webhook),
      headers: await headersOf(parts, job, body),
      body,
      signal,
      lane: "metadata",
    });
    const { status } = response;
    return status >= 200 && status < 300 ? undefined : `answered ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function headersOf(parts: WebhookParts, job: Job, body: Uint8Array) {
  const secret = await parts.secret();
  const timestamp = String(Math.floor(parts.now() / 1000));
  return {
    "content-type": "application/json",
    "user-agent": parts.userAgent,
    "amphora-event": `job.${job.state}`,
    "amphora-delivery": job.id,
    "amphora-timestamp": timestamp,
    ...(secret !== undefined && {
      "amphora-signature": webhookSignature(secret, timestamp, body),
    }),
  };
}

/**
 * The `amphora-signature` of a call: HMAC-SHA256 over the text of `amphora-timestamp`, a dot and the body. Whoever is called
 * compares it, and takes no call whose time is long past.
 */
export function webhookSignature(secret: string, timestamp: string, body: Uint8Array): string {
  const mac = createHmac("sha256", secret).update(`${timestamp}.`).update(body);
  return `sha256=${mac.digest("hex")}`;
}

/** What was told must not be told again for want of a queue, so it is tried for as long as the lease is good. */
async function settled(lease: Lease<QueuedJob>, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof JobError) || error.code !== "job.queue-unreachable") throw error;
    }
    await pause(500, undefined, { signal: lease.lost });
  }
}
