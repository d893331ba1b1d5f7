import { loadEnvironment } from "../../config/load-environment.ts";
import { loadSystemRoots } from "../../config/load-system-roots.ts";
import { createProxySelector } from "../../config/proxy.ts";
import { JobError } from "../../jobs/errors.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import { runWebhooks, type WebhookEvent } from "../../jobs/webhook.ts";
import { createHttpClient } from "../../registry/http/client.ts";
import type { AllowedHosts } from "../../server/jobs/allowed-hosts.ts";
import { presentJob } from "../../server/jobs/parts.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { CommandContext } from "../context.ts";
import { readSecret } from "./open-jobs.ts";

/** What webhooks are called with. */
export interface CallingParts {
  readonly context: Pick<CommandContext, "version">;
  readonly settings: Pick<ServerSettings, "jobs">;
  readonly jobs: Jobs;
  readonly hosts: AllowedHosts;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Tells those who want to know of jobs that have ended, until told to end. Never rejects. */
export async function callWebhooks(parts: CallingParts): Promise<void> {
  const { context, settings, jobs, hosts, report, signal } = parts;
  const environment = loadEnvironment();
  const roots = loadSystemRoots(environment).pem;
  const tls = { ca: roots, clientCertificates: [], verify: true };
  await using http = createHttpClient({
    connections: 4,
    tlsFor: () => tls,
    proxyFor: createProxySelector(environment),
    proxyTls: () => tls,
    mayConnect: (origin, address) => hosts.mayConnect(origin, address),
  });
  const { webhookSecretFile } = settings.jobs;
  await runWebhooks({
    webhooks: jobs.webhooks,
    ledger: jobs.ledger,
    http,
    check(url) {
      if (hosts.mayCall(new URL(url))) return;
      throw new JobError("job.not-allowed", "no job may call this host any more");
    },
    secret: async () =>
      webhookSecretFile === undefined ? undefined : await readSecret(webhookSecretFile),
    present: presentJob,
    userAgent: `amphora/${context.version}`,
    signal,
    report: (event) => tell(report, event),
    now: Date.now,
    random: Math.random,
  });
}

function tell(report: Report, event: WebhookEvent): void {
  switch (event.type) {
    case "webhook-told": {
      const { id, host } = event;
      report({ type: "message", level: "info", text: "webhook called", fields: { job: id, host } });
      break;
    }
    case "webhook-failed": {
      const { id, host, reason, notBefore } = event;
      const again = notBefore === undefined ? "no more" : new Date(notBefore).toISOString();
      const fields = { job: id, host, reason, again };
      report({ type: "message", level: "warn", text: "webhook not called", fields });
      break;
    }
    case "trouble":
      report({ type: "message", level: "warn", text: "webhooks are delayed", error: event.error });
      break;
  }
}
