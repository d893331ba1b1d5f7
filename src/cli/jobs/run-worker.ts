import { hostname } from "node:os";
import { loadEnvironment } from "../../config/load-environment.ts";
import { loadHostPlatform } from "../../config/load-host-platform.ts";
import type { JobRequest, JobResult } from "../../jobs/job.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import { type PartialResult, runWorker } from "../../jobs/worker.ts";
import { createAllowedHosts } from "../../server/jobs/allowed-hosts.ts";
import { domainsOf, readMirrors } from "../../server/jobs/mirrors.ts";
import { createJobRules } from "../../server/jobs/rules.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { CommandContext } from "../context.ts";
import { createServerLog } from "../serve/server-log.ts";
import { blockableNames } from "./blockable-names.ts";
import { callWebhooks } from "./call-webhooks.ts";
import { forgetHanded, openHandedJobs } from "./handed-jobs.ts";
import { type JobBlocksParts, openJobBlocks } from "./job-blocks.ts";
import { openJobGate } from "./job-gate.ts";
import { createJobReach } from "./job-reach.ts";
import { beginStory } from "./job-story.ts";
import { openCoordinator } from "./open-coordinator.ts";
import { openJobs } from "./open-jobs.ts";
import { type PerformContext, type PerformParts, perform } from "./perform.ts";
import { PartPerformer } from "./perform-part.ts";
import { reportLog } from "./report-log.ts";
import { reportWorker } from "./report-worker.ts";

/** What the command line says of a worker. */
export interface WorkerFlags {
  /** Jobs at once. */
  readonly slots: number | undefined;
  /** For the log, and to be told from others by. */
  readonly name: string | undefined;
  /** Where the server is reached that started this worker. */
  readonly serverUrl: string | undefined;
  readonly untilStdinEnds: boolean;
}

/**
 * Does jobs of the settings' queue until told to end; what it does then goes back to the queue. Since `leaving` it takes no
 * more, and ends with the jobs that it has.
 */
export async function workUntilEnded(
  context: CommandContext,
  settings: ServerSettings,
  { leaving, ...flags }: WorkerFlags & { readonly leaving: AbortSignal },
): Promise<void> {
  const name = flags.name ?? `${hostname()}/${process.pid}`;
  const report = createServerLog(settings.log, context.terminal);
  const say = (text: string) =>
    report({ type: "message", level: "info", text, fields: { worker: name } });
  const signal = flags.untilStdinEnds ? endedWith(context.signal) : context.signal;
  await using stack = new AsyncDisposableStack();
  const jobs = stack.use(await openJobs(settings, { now: Date.now, report }));
  const parts = await performParts({ context, settings, flags, report, stack, told: jobs.told });
  const handed = await openHandedJobs(settings, Date.now);
  if (handed) forgetHanded(stack.use(handed), Date.now, signal);
  say("worker ready");
  const over = new AbortController();
  const calling = AbortSignal.any([signal, over.signal]);
  const { hosts } = parts;
  const webhooks = callWebhooks({ context, settings, jobs, hosts, report, signal: calling });
  const doing = stack.use(new PartPerformer(parts));
  const desk = handed && { ...handed, now: Date.now };
  const work = (from: Jobs, perform: PerformOf) =>
    runWorker({
      queue: from.queue,
      ledger: from.ledger,
      webhooks: from.webhooks,
      slots: flags.slots ?? settings.jobs.slots,
      attempts: settings.jobs.attempts,
      signal,
      leaving,
      report: reportWorker(report, name),
      now: Date.now,
      random: Math.random,
      async perform({ id, request, owner }, called) {
        await using story = beginStory({ ledger: from.ledger, id });
        const context = { id, owner, signal: called.signal, story };
        return await perform(request, { ...context, ...(desk && { handedOn: desk }) });
      },
    });
  await Promise.all([
    work(jobs, (request, context) => perform(request, parts, context)),
    handed && work(handed, (request, context) => doing.perform(request, context)),
  ]);
  over.abort();
  await webhooks;
  say("worker ended");
}

type PerformOf = (
  request: JobRequest,
  context: PerformContext,
) => Promise<JobResult | PartialResult>;

interface Assembly {
  readonly context: CommandContext;
  readonly settings: ServerSettings;
  readonly flags: WorkerFlags;
  readonly report: Report;
  readonly stack: AsyncDisposableStack;
  readonly told: JobBlocksParts["told"];
}

async function performParts(assembly: Assembly): Promise<PerformParts> {
  const { context, settings, flags, report, stack, told } = assembly;
  const environment = loadEnvironment();
  const platform = loadHostPlatform(environment);
  const mirrors = await readMirrors(settings.mirrors, { platform });
  const mirrored = [...mirrors.values()].flatMap(domainsOf);
  const hosts = createAllowedHosts(settings, { own: flags.serverUrl, mirrored });
  return {
    settings,
    context,
    mirrors,
    hosts,
    log: reportLog(report),
    rules: createJobRules({ settings, hosts, platform }),
    reach: createJobReach(hosts, environment),
    gate: stack.use(openJobGate({ settings, environment, context, report })),
    watching: {
      blocks: stack.use(await openJobBlocks({ settings, told, report, now: Date.now })),
      namesOf: blockableNames(settings, hosts),
    },
    coordinator: stack.use(await openCoordinator(settings, mirrors)),
  };
}

/** Aborts with `signal`, and when standard input ends: with whoever started us. */
function endedWith(signal: AbortSignal): AbortSignal {
  const ended = new AbortController();
  process.stdin.on("end", () => ended.abort()).on("error", () => ended.abort());
  process.stdin.resume();
  signal.addEventListener("abort", () => process.stdin.pause(), { once: true });
  return AbortSignal.any([signal, ended.signal]);
}
