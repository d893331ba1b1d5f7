import { setTimeout as sleep } from "node:timers/promises";
import { loadHostPlatform } from "../../config/load-host-platform.ts";
import { hasEnded, openStates } from "../../jobs/job-rules.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import type { JobLedger } from "../../jobs/ledger.ts";
import { createScheduler, type ScheduleEvent, type Scheduler } from "../../jobs/schedule.ts";
import type { JobDesk } from "../../jobs/submit-job.ts";
import type { Access } from "../../server/access.ts";
import type { BlockList } from "../../server/admission/block-list.ts";
import type { AuditLog } from "../../server/audit.ts";
import { jobsApi } from "../../server/jobs/api.ts";
import { createJobFigures } from "../../server/jobs/figures.ts";
import { ownNames } from "../../server/jobs/own-names.ts";
import { createWorkerProcesses, type WorkerProcesses } from "../../server/jobs/worker-processes.ts";
import type { Metrics } from "../../server/metrics/metrics.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { Face } from "../../server/shell/faces.ts";
import { openJobs } from "../jobs/open-jobs.ts";
import { tellBlocks } from "../jobs/tell-blocks.ts";
import type { AssemblyBase } from "./assemble-server.ts";
import { changedJobs, readNamedJobs, schedulesGoingOn } from "./named-jobs.ts";
import { ownUrlFor } from "./own-url.ts";

/** What jobs are joined with. */
export interface JobsContext {
  readonly access: Access;
  readonly audit: AuditLog | undefined;
  readonly metrics: Metrics;
  readonly blocks: BlockList;
}

/** The jobs of a server. */
export interface AssembledJobs {
  readonly faces: readonly Face[];
  /** Why no jobs can be taken now; undefined: they can. */
  trouble(): string | undefined;
  /** Whether a job may be about a registry. */
  mayName(domain: string): boolean;
  /** Reads mirrors, schedules and what jobs may. @throws {ConfigError} `config.invalid`; all stays as it was then */
  reload(next: ServerSettings): Promise<ReloadedJobs>;
  /** From now on jobs are done: the server listens at these URLs. */
  begin(urls: readonly string[]): void;
}

/** Settings that were read again. */
export interface ReloadedJobs {
  /** Members that are only heeded at the next start. */
  readonly later: readonly string[];
  /** Goes by them from now on; jobs that run end by the former. */
  apply(): void;
}

const hourMs = 3_600_000;

/**
 * The queue and its API; workers, schedules and the rest of their upkeep once the server listens.
 *
 * @throws {JobError} `job.queue-unreachable` where Redis refuses; one that does not answer yet is waited for by whoever asks
 */
export async function assembleJobs(
  base: AssemblyBase,
  { access, audit, metrics, blocks }: JobsContext,
  opened: AsyncDisposableStack,
): Promise<AssembledJobs> {
  const { settings, environment, report, now, context } = base;
  const own = opened.use(new AsyncDisposableStack()); // what is begun later ends with the rest
  // What is a registry, too, is one without Redis.
  const jobs = own.use(await openJobs(settings, { now, report, mayBeAway: true }));
  const { queue, ledger, webhooks, told } = jobs;
  const away = jobs.trouble?.();
  if (away !== undefined) report({ type: "message", level: "warn", text: away });
  const telling = told && tellBlocks({ told, server: settings.name, blocks, report }, own);
  if (away === undefined) await telling;
  const desk: JobDesk = { queue, ledger, webhooks, now };
  const reading = { platform: loadHostPlatform(environment), now };
  let current = { settings, ...(await readNamedJobs(settings, reading)) };
  const figures = createJobFigures(queue, report);
  metrics.watch(figures.gauges);
  const ending = new AbortController();
  const signal = AbortSignal.any([context.signal, ending.signal]);
  own.defer(() => ending.abort());
  const api = jobsApi({
    ...desk,
    named: () => current.named,
    access,
    isOwnName: ownNames(settings),
    report,
    signal,
    ...(audit && { audit }),
  });
  let workers: WorkerProcesses | undefined;
  let scheduler: Scheduler | undefined;
  const startSchedules = (schedules = current.schedules) =>
    createScheduler({ desk, schedules, report: reportSchedules(report) });
  return {
    faces: [api],
    trouble: () => (jobs.trouble?.() === undefined ? undefined : "jobs cannot be taken now"),
    mayName: (domain) => current.mayName(domain),
    async reload(next) {
      const { isAnything, later } = changedJobs(current.settings, next);
      if (!isAnything) return { later: [], apply() {} };
      const read = await readNamedJobs({ ...settings, ...jobsIn(next) }, reading);
      return {
        later,
        apply() {
          const schedules = schedulesGoingOn(read, current, scheduler, now());
          current = { settings: next, ...read };
          workers?.renew();
          void scheduler?.[Symbol.asyncDispose]();
          scheduler &&= startSchedules(schedules);
        },
      };
    },
    begin(urls) {
      const started = own.use(startWorkers(base, urls));
      workers = started;
      scheduler = startSchedules();
      own.defer(async () => await scheduler?.[Symbol.asyncDispose]());
      signal.addEventListener("abort", () => void started[Symbol.asyncDispose](), { once: true });
      void steadily(base, signal, async () => {
        for await (const job of ledger.watchAll({ signal })) {
          figures.note(job);
          if (!hasEnded(job.state)) started.wake();
        }
      });
      void steadily(base, signal, async () => {
        if (await isAnythingLeft(jobs)) started.wake();
        await forgetOld(ledger, settings.jobs.keepFor, now, signal);
      });
    },
  };
}

function jobsIn({ jobs, mirrors, schedules }: ServerSettings) {
  return { jobs, mirrors, schedules };
}

/** The same program, with the same configuration. */
function startWorkers(
  { settings, environment, context, report }: AssemblyBase,
  urls: readonly string[],
): WorkerProcesses {
  const { execPath, execArgv, argv } = process;
  const { jobs, data, shutdown } = settings;
  const configFile = context.flags?.optionalString("config") || undefined;
  const url = jobs.serverUrl === undefined ? ownUrlFor(urls) : undefined;
  return createWorkerProcesses({
    count: jobs.workers,
    command: (number) => [
      execPath,
      ...execArgv,
      argv[1] ?? "",
      "worker",
      ...(configFile === undefined ? [] : ["--config", configFile]),
      "--data",
      data,
      ...(url === undefined ? [] : ["--server-url", url]),
      "--name",
      `worker ${number}`,
      "--until-stdin-ends",
    ],
    env: environment.variables,
    endWithinMs: Math.max(5000, shutdown.within),
    report,
  });
}

/** Does `work` over and over where it fails: a queue that is out of reach comes back. */
async function steadily(
  { report }: AssemblyBase,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return;
      report({ type: "message", level: "warn", text: "jobs cannot be looked after", error });
      await sleep(5000, undefined, { signal }).catch(() => {});
    }
  }
}

/** Workers look after what was written down and not queued, and after webhooks that are still to be called. */
async function isAnythingLeft({ ledger, webhooks }: Jobs): Promise<boolean> {
  const open = await ledger.list({ states: openStates, limit: 1 });
  const { waiting, delayed, running } = await webhooks.size();
  return open.length + waiting + delayed + running > 0;
}

async function forgetOld(
  ledger: JobLedger,
  keepForMs: number,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await ledger.forget(now() - keepForMs);
    await sleep(hourMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

function reportSchedules(report: Report): (event: ScheduleEvent) => void {
  return (event) => {
    if (event.type === "trouble") {
      const { error } = event;
      report({ type: "message", level: "warn", text: "schedules are delayed", error });
      return;
    }
    const { type, name, time } = event;
    const level = type === "schedule-fired" ? "info" : "warn";
    const job = "id" in event ? { job: event.id } : {};
    const fields = { schedule: name, time: new Date(time).toISOString(), ...job };
    report({ type: "message", level, text: type.replace("-", " "), fields });
  };
}
