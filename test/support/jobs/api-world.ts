import { request } from "node:http";
import type { Access } from "../../../src/server/access.ts";
import type { AuditEvent } from "../../../src/server/audit.ts";
import { jobsApi } from "../../../src/server/jobs/api.ts";
import { ownNames } from "../../../src/server/jobs/own-names.ts";
import type { JobRules, StreamLimits } from "../../../src/server/jobs/parts.ts";
import { createMetrics } from "../../../src/server/metrics/metrics.ts";
import { serverSettings } from "../../../src/server/settings.ts";
import { startServer } from "../../../src/server/shell/start-server.ts";
import { MemoryLedger, MemoryQueue } from "./memory-jobs.ts";

/** The jobs API of a server, over a ledger and a queue in memory. The user is the header of that name. */
export interface ApiWorld extends AsyncDisposable {
  readonly url: string;
  readonly ledger: MemoryLedger;
  readonly queue: MemoryQueue;
  readonly notes: readonly AuditEvent[];
  get(user: string | undefined, path: string, headers?: Record<string, string>): Promise<Response>;
  post(
    user: string | undefined,
    path: string,
    body: object,
    headers?: Record<string, string>,
  ): Promise<Response>;
  /** Without a body. */
  send(user: string | undefined, method: string, path: string): Promise<Response>;
  /** With headers that fetch() would not send; gives the status. */
  raw(method: string, path: string, body: string, headers: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** Of nobody in particular who may have jobs: the header `nobody` is "may". */
const trusted = "192.0.2.1";

/** `root` may do all, `ann` and `bob` have jobs, others nothing. */
const access: Access = {
  anonymous: false,
  identify: async ({ headers, address }) => ({
    user: headers["user"] as string | undefined,
    address: headers["nobody"] === "may" ? trusted : address,
  }),
  allows: ({ user, address }, repository, action) =>
    user === "root" ||
    (repository === "" &&
      action === "jobs" &&
      (user === "ann" || user === "bob" || address === trusted)),
  challenge: () => 'Basic realm="test"',
};

/** Starts it; `rules` refuse what they throw for, and nothing else. */
export async function jobsWorld(
  rules: Partial<JobRules> = {},
  streams: Partial<StreamLimits> = {},
): Promise<ApiWorld> {
  const ending = new AbortController();
  const ledger = new MemoryLedger();
  const queue = new MemoryQueue();
  const notes: AuditEvent[] = [];
  const settings = serverSettings.parse({ listen: ["127.0.0.1:0"], name: "hub.example" });
  const api = jobsApi({
    ledger,
    queue,
    access,
    isOwnName: ownNames(settings),
    audit: { note: (event) => void notes.push(event) },
    named: () => ({
      mirrors: [
        { name: "base", rules: [{ from: "docker.io/library/*", to: "registry.example/hub/" }] },
      ],
      schedules: [
        {
          name: "base",
          cron: "0 3 * * *",
          request: { kind: "sync", mirror: "base", dryRun: false },
          nextRun: () => 86_400_000,
        },
      ],
      rules: { async check() {}, checkWebhook() {}, ...rules },
    }),
    now: Date.now,
    report() {},
    signal: ending.signal,
    streams,
  });
  const parts = { access, faces: [api], metrics: createMetrics(), report() {}, version: "0.0.0" };
  const server = await startServer(settings, parts);
  const [url = ""] = server.urls;
  const send = (user: string | undefined, path: string, init: RequestInit) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { ...(user !== undefined && { user }), ...(init.headers as Record<string, string>) },
    });
  const stop = async () => {
    if (ending.signal.aborted) return;
    ending.abort();
    await server.stop();
  };
  return {
    url,
    ledger,
    queue,
    notes,
    get: (user, path, headers = {}) => send(user, path, { headers }),
    post: (user, path, body, headers = {}) =>
      send(user, path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "Content-Type": "application/json", ...headers },
      }),
    send: (user, method, path) => send(user, path, { method }),
    raw: (method, path, body, headers) =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}${path}`, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        sent.on("error", reject);
        sent.end(body);
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
