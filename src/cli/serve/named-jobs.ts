import { inFile } from "../../config/setting-shape.ts";
import type { Platform } from "../../core/platform.ts";
import { asJobRequest } from "../../jobs/job-request.ts";
import type { Schedule, Scheduler } from "../../jobs/schedule.ts";
import { parseScheduleTimes } from "../../jobs/schedule-times.ts";
import { type AllowedHosts, createAllowedHosts } from "../../server/jobs/allowed-hosts.ts";
import { domainsOf, readMirrors, rulesAsText } from "../../server/jobs/mirrors.ts";
import type { KnownSchedule, NamedJobs } from "../../server/jobs/parts.ts";
import { createJobRules } from "../../server/jobs/rules.ts";
import type { ServerSettings } from "../../server/settings.ts";

/** What settings say of jobs, and what is started by the clock. */
export interface ReadJobs {
  readonly named: NamedJobs;
  readonly schedules: readonly Schedule[];
  readonly mayName: AllowedHosts["mayName"];
}

/** Reads it. @throws {ConfigError} `config.invalid` */
export async function readNamedJobs(
  settings: ServerSettings,
  { platform, now }: { readonly platform: Platform; readonly now: () => number },
): Promise<ReadJobs> {
  const mirrors = await readMirrors(settings.mirrors, { platform });
  const mirrored = [...mirrors.values()].flatMap(domainsOf);
  const hosts = createAllowedHosts(settings, { mirrored });
  const schedules = schedulesOf(settings);
  return {
    schedules,
    mayName: (domain) => hosts.mayName(domain),
    named: {
      rules: createJobRules({ settings, hosts, platform }),
      mirrors: [...mirrors].map(([name, document]) => ({ name, rules: rulesAsText(document) })),
      schedules: schedules.map(({ times, ...schedule }) => ({
        ...schedule,
        nextRun: () => times.next(now()),
      })),
    },
  };
}

/** Of `jobs`, what is only heeded at the next start; the rest is for the rules, and for workers. */
const ofTheStart = [
  "queue",
  "queuePasswordFile",
  "queueCa",
  "workers",
  "keepFor",
  "serverUrl",
] as const;

/** What other settings would change. */
export interface ChangedJobs {
  readonly isAnything: boolean;
  /** Members that are only heeded at the next start. */
  readonly later: readonly string[];
}

/** Compares what settings say of jobs. */
export function changedJobs(before: ServerSettings, after: ServerSettings): ChangedJobs {
  const isOther = (one: unknown, other: unknown) => JSON.stringify(one) !== JSON.stringify(other);
  return {
    isAnything: (["jobs", "mirrors", "schedules"] as const).some((name) =>
      isOther(before[name], after[name]),
    ),
    later: ofTheStart
      .filter((name) => isOther(before.jobs[name], after.jobs[name]))
      .map((name) => `jobs.${inFile(name)}`),
  };
}

/**
 * The schedules of settings that were read again: those whose times are what they were go on where they are, all others begin
 * `now`. What another time has missed, or one that was not there, is not made up for.
 */
export function schedulesGoingOn(
  { schedules, named }: ReadJobs,
  before: Pick<ReadJobs, "named">,
  scheduler: Scheduler | undefined,
  now: number,
): readonly Schedule[] {
  const timesOf = ({ cron, timeZone }: KnownSchedule) => JSON.stringify([cron, timeZone]);
  const former = new Map(before.named.schedules.map((one) => [one.name, timesOf(one)]));
  const present = new Map(named.schedules.map((one) => [one.name, timesOf(one)]));
  return schedules.map((schedule) => {
    const { name } = schedule;
    const seenTo = former.get(name) === present.get(name) ? scheduler?.seenTo(name) : now;
    return seenTo === undefined ? schedule : { ...schedule, seenTo };
  });
}

interface NamedSchedule extends Schedule {
  readonly cron: string;
  readonly timeZone?: string;
}

function schedulesOf({ mirrors, schedules }: ServerSettings): readonly NamedSchedule[] {
  const ofMirrors = Object.entries(mirrors).flatMap(([name, { cron, timeZone }]) =>
    cron === undefined
      ? []
      : [{ name, cron, timeZone, request: { kind: "sync", mirror: name, dryRun: false } as const }],
  );
  const others = Object.entries(schedules).map(([name, { cron, timeZone, ...request }]) => ({
    name,
    cron,
    timeZone,
    request: asJobRequest(request),
  }));
  return [...ofMirrors, ...others].map(({ timeZone, ...schedule }) => ({
    ...schedule,
    times: parseScheduleTimes(schedule.cron, timeZone),
    ...(timeZone !== undefined && { timeZone }),
  }));
}
