import * as z from "zod";
import {
  count,
  domain,
  duration,
  filePath,
  httpUrl,
  originUrl,
} from "../../config/setting-values.ts";
import { isNameOrDomain } from "../../core/docker-reference.ts";
import { JobError } from "../../jobs/errors.ts";
import { isMirrorName, jobRequestShapes } from "../../jobs/job-request.ts";
import { parseScheduleTimes } from "../../jobs/schedule-times.ts";

const positive = (most: number) => {
  const error = `expected a whole number from 1 to ${most}`;
  return z.int({ error }).min(1, { error }).max(most, { error });
};

const hostPattern = z
  .string({ error: "expected HOST, HOST:PORT, *.DOMAIN, or * for every public host" })
  .refine((text) => isHostPattern(text), {
    error: "expected HOST, HOST:PORT, *.DOMAIN, or * for every public host",
  });

/** A host that jobs may name, or how it is reached besides. */
const allowedHost = z.union([
  hostPattern,
  z.strictObject({
    host: domain(),
    /** Where it is asked, if not at https://HOST. */
    url: originUrl().optional(),
    /** Takes any certificate, and plain HTTP where there is no TLS. */
    insecure: z.boolean({ error: "expected true or false" }).default(false),
    /** PEM certificates to trust for it, besides the system's. */
    ca: filePath().optional(),
  }),
]);

/** What jobs name instead of a secret. It goes to no host but its own, and is used for nobody but its users. */
const credentials = z.strictObject({
  hosts: z.array(domain()).min(1, { error: "expected at least one host that they are for" }),
  username: z
    .string({ error: "expected a user's name" })
    .min(1, { error: "expected a user's name" }),
  passwordFile: filePath(),
  /** Whose jobs may use them; everybody's who may have jobs, without it. */
  users: z.array(z.string({ error: "expected a user's name" }).min(1)).optional(),
});

/** `redis:` with no password in it: what is wrong with a setting is told with what was found there. */
const queue = z
  .string({ error: "expected embedded, or a URL such as redis://HOST:6379/0" })
  .refine((text) => text === "embedded" || isRedisUrl(text), {
    error: "expected embedded, or a URL such as redis://HOST:6379/0",
  })
  .default("embedded");

const jobsMembers = z.strictObject({
  /** In a file of the data folder, or in a Redis or Valkey that several servers and workers share. */
  queue,
  /** Of that Redis. */
  queuePasswordFile: filePath().optional(),
  /** PEM certificates to trust for it in place of the system's, with `rediss:`. */
  queueCa: filePath().optional(),
  /** Processes that do jobs, started by the server; 0: those that others start (`amphora worker`). */
  workers: count().default(1),
  /** Jobs that one worker does at once. */
  slots: positive(256).default(4),
  /** Times that a job is begun which failed in a way that may pass. */
  attempts: positive(100).default(3),
  /** After its end a job is forgotten. */
  keepFor: duration().prefault("30d"),
  /** Besides the upstreams and this server. Those that are named may lie within the network; others have to be public. */
  allowedHosts: z.array(allowedHost).default([]),
  /** What `dir:`, `oci:` and archives may be in. */
  folders: z.array(filePath()).default([]),
  credentials: z
    .record(
      z.string().regex(/^[\w.-]{1,128}$/, { error: "expected a name of letters and digits" }),
      credentials,
    )
    .default({}),
  /** Where workers reach this server; by default at its first address. */
  serverUrl: httpUrl().optional(),
  /** What webhooks are signed with. */
  webhookSecretFile: filePath().optional(),
});

/** `jobs:` copies, mirrors, signatures and verdicts that the server sees to by itself. */
export const jobsSettings = jobsMembers.refine(
  ({ queue, queueCa }) => queueCa === undefined || queue.startsWith("rediss:"),
  { path: ["queueCa"], error: "expected none where the queue is not at rediss://HOST" },
);

/** As parsed. */
export type JobsSettings = z.output<typeof jobsSettings>;

const cron = z
  .string({ error: 'expected a time in cron\'s words, such as "0 3 * * *", or every 6h' })
  .refine(isSchedule, {
    error: 'expected a time in cron\'s words, such as "0 3 * * *", or every 6h',
  });

const timeZone = z
  .string({ error: "expected a time zone such as Europe/Berlin" })
  .refine(isTimeZone, { error: "expected a time zone such as Europe/Berlin" });

const when = { cron, timeZone: timeZone.optional() };

const name = z.string().refine(isMirrorName, {
  error: "expected a name of letters, digits, dots, dashes and underscores",
});

/** `schedules:` jobs that a clock starts. */
export const schedulesSettings = z
  .record(
    name,
    z.discriminatedUnion(
      "kind",
      [
        z.strictObject({ ...jobRequestShapes.copy, ...when }),
        z.strictObject({ ...jobRequestShapes.sync, ...when }),
        z.strictObject({ ...jobRequestShapes.sign, ...when }),
        z.strictObject({ ...jobRequestShapes.verify, ...when }),
      ],
      { error: "expected kind: copy, sync, sign or verify" },
    ),
  )
  .default({});

/** As parsed. */
export type SchedulesSettings = z.output<typeof schedulesSettings>;

/** `mirrors:` specifications by name, each with the time at which it is run. */
export const mirrorsSettings = z.record(name, z.unknown().transform(splitMirror)).default({});

/** A mirror of the settings: its specification as written, and when it is run by itself. */
export interface MirrorSettings {
  readonly document: Readonly<Record<string, unknown>>;
  readonly cron?: string;
  readonly timeZone?: string;
  /** That its paths are seen from. */
  readonly folder?: string;
}

function splitMirror(value: unknown, context: z.RefinementCtx): MirrorSettings {
  const fail = (path: string[], message: string) => {
    context.issues.push({ code: "custom", input: value, path, message });
    return z.NEVER;
  };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return fail([], "expected a mapping");
  const { schedule, "time-zone": zone, ...document } = value as Record<string, unknown>;
  if (schedule !== undefined) {
    const parsed = cron.safeParse(schedule);
    if (!parsed.success) return fail(["schedule"], parsed.error.issues[0]?.message ?? "");
  }
  if (zone !== undefined) {
    const parsed = timeZone.safeParse(zone);
    if (!parsed.success) return fail(["time-zone"], parsed.error.issues[0]?.message ?? "");
  }
  return {
    document,
    ...(schedule !== undefined && { cron: String(schedule) }),
    ...(zone !== undefined && { timeZone: String(zone) }),
  };
}

function isHostPattern(text: string): boolean {
  if (text === "*") return true;
  const name = text.startsWith("*.") ? text.slice(2) : text;
  return !name.includes("/") && isNameOrDomain(name);
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, password, pathname } = new URL(text);
  const isPlain = hostname !== "" && password === "" && /^\/?\d{0,9}$/.test(pathname);
  return /^rediss?:$/.test(protocol) && isPlain;
}

function isSchedule(text: string): boolean {
  try {
    parseScheduleTimes(text);
    return true;
  } catch (error) {
    if (error instanceof JobError) return false;
    throw error;
  }
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }) !== undefined;
  } catch {
    return false;
  }
}
