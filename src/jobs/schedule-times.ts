import { Cron } from "croner";
import { JobError } from "./errors.ts";

/** When something is to happen, in milliseconds since the epoch. */
export interface ScheduleTimes {
  /** The first time after one; undefined: never. */
  next(after: number): number | undefined;
  /** The last time that is not after one; undefined: there was none. */
  last(until: number): number | undefined;
}

/** How often at most something happens by `every`. */
const leastEveryMs = 60_000;
/** Beyond this a date is none soon. */
const mostEveryMs = 3650 * 86_400_000;
const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const names = /^@(?:yearly|annually|monthly|weekly|daily|hourly)$/i;

/**
 * Reads when something is to happen: cron's five fields, with names, ranges, steps, `L`, `W` and `#`; `@hourly`, `@daily`,
 * `@weekly`, `@monthly`, `@yearly`; or `every 6h`, `every 90m`, counted from the epoch, so that all servers mean the same.
 *
 * @param timeZone such as `Europe/Berlin`; UTC where absent. A time that a change of clocks leaves out comes after it; one
 *   that it repeats comes once.
 * @throws {JobError} `job.bad-schedule`
 */
export function parseScheduleTimes(text: string, timeZone?: string): ScheduleTimes {
  const trimmed = text.trim();
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw badSchedule(`"${timeZone}" is no time zone`, "Name one such as Europe/Berlin");
  }
  const every = /^every\s+(.+)$/i.exec(trimmed)?.[1];
  return every === undefined ? cronTimes(trimmed, timeZone ?? "UTC") : everyTimes(every, text);
}

function cronTimes(text: string, timezone: string): ScheduleTimes {
  if (!names.test(text) && text.split(/\s+/).length !== 5) {
    throw badSchedule(
      `"${text}" has not five fields`,
      "Give minute, hour, day of month, month and day of week, such as 0 3 * * *",
    );
  }
  let cron: Cron;
  try {
    cron = new Cron(text, { paused: true, mode: "5-part", timezone });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    throw badSchedule(`"${text}": ${why}`, "Write it as cron does, such as 0 3 * * *", error);
  }
  if (cron.nextRun() === null) throw badSchedule(`"${text}" never happens`, "Name another day");
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    last(until) {
      const runs = cron.previousRuns(2, new Date(until + 1000)).map((run) => run.getTime());
      return runs.find((time) => time <= until);
    },
  };
}

function everyTimes(duration: string, text: string): ScheduleTimes {
  const parts = [...duration.matchAll(/(\d{1,9})([smhd])/g)];
  const everyMs = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ""] ?? 0),
    0,
  );
  if (parts.map(([part]) => part).join("") !== duration || everyMs < leastEveryMs) {
    throw badSchedule(`"${text}" is no time of a minute or more`, "Say how often, as in every 6h");
  }
  if (everyMs > mostEveryMs)
    throw badSchedule(`"${text}" is more than ten years`, "Say how often, as in every 6h");
  return {
    next: (after) => (Math.floor(after / everyMs) + 1) * everyMs,
    last: (until) => Math.floor(until / everyMs) * everyMs,
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function badSchedule(state: string, hint: string, cause?: unknown): JobError {
  return new JobError("job.bad-schedule", `Cannot read a schedule: ${state}`, {
    hint,
    ...(cause !== undefined && { cause }),
  });
}
