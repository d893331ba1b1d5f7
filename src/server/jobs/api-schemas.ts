import * as z from "zod";
import { jobRequestShapes } from "../../jobs/job-request.ts";

const states = ["waiting", "delayed", "running", "done", "failed", "refused", "cancelled"] as const;
const kinds = ["copy", "sync", "sign", "verify"] as const;

const webhook = z
  .string({ error: "expected a URL that begins with https:// or http://" })
  .max(2048)
  .refine(isPlainUrl, {
    error: "expected a URL that begins with https:// or http://, without a user in it",
  })
  .meta({
    description:
      "Told by POST when the job has ended; its host has to be one of jobs.allowed-hosts",
  });

const notBefore = z
  .union([z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)), z.int().min(0)], {
    error: "expected a time such as 2027-01-31T04:00:00Z",
  })
  .meta({ description: "ISO 8601, or milliseconds since 1970" });

const besides = { webhook: webhook.optional(), notBefore: notBefore.optional() };

/** Body of `POST /api/v1/jobs`. */
export const newJobSchema = z
  .discriminatedUnion(
    "kind",
    [
      z.strictObject({ ...jobRequestShapes.copy, ...besides }),
      z.strictObject({ ...jobRequestShapes.sync, ...besides }),
      z.strictObject({ ...jobRequestShapes.sign, ...besides }),
      z.strictObject({ ...jobRequestShapes.verify, ...besides }),
    ],
    { error: "expected kind: copy, sync, sign or verify" },
  )
  .meta({ id: "NewJob" });

/** Body of `POST /api/v1/mirrors/NAME/run`. */
export const runMirrorSchema = z
  .strictObject({ dryRun: z.boolean({ error: "expected true or false" }).default(false) })
  .meta({ id: "RunMirror" });

/** The header `Idempotency-Key`. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, { error: "expected 1 to 255 printable characters" });

/** Of requests that start a job. */
export const startHeaders = z.object({
  "Idempotency-Key": idempotencyKey
    .optional()
    .meta({ description: "Sent again, it gives the job that it made, whatever became of that" }),
});

/** Of streams of one job's events. */
export const eventHeaders = z.object({
  "Last-Event-ID": z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .meta({ description: "The last event that one has: those behind it follow" }),
});

/** `/api/v1/jobs/ID`. */
export const jobParams = z.strictObject({
  id: z.string().regex(/^[\w-]{1,64}$/, { error: "expected the id of a job" }),
});

/** `/api/v1/mirrors/NAME`. */
export const mirrorParams = z.strictObject({ name: z.string().min(1).max(128) });

const listed = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.union([z.string().transform((text) => text.split(",")), z.array(z.string())]).pipe(
    z
      .array(z.enum(words, { error: `expected one of ${words.join(", ")}` }))
      .min(1)
      .max(20),
  );

/** Which jobs are listed. */
export const jobsQuery = z.strictObject({
  state: listed(states).optional().meta({ description: "One or several, apart by commas" }),
  kind: z.enum(kinds, { error: `expected one of ${kinds.join(", ")}` }).optional(),
  owner: z.string().max(300).optional(),
  before: jobParams.shape.id.optional().meta({ description: "The id of a job: older ones" }),
  limit: z.coerce
    .number({ error: "expected a number from 1 to 200" })
    .int({ error: "expected a number from 1 to 200" })
    .min(1, { error: "expected a number from 1 to 200" })
    .max(200, { error: "expected a number from 1 to 200" })
    .default(50),
});

const count = z.number();

const summary = z.looseObject({
  images: count,
  copied: count,
  unchanged: count,
  left: count,
  failed: count,
});

/** A job as the API gives it; times are milliseconds since 1970. */
export const jobSchema = z
  .strictObject({
    id: z.string(),
    request: z.looseObject({ kind: z.enum(kinds) }),
    state: z.enum(states),
    owner: z.string(),
    createdAt: count,
    startedAt: count.optional(),
    endedAt: count.optional(),
    notBefore: count.optional(),
    attempts: count,
    cancelRequested: z.boolean(),
    progress: z
      .strictObject({
        images: z.strictObject({ found: count, ended: count, failed: count }),
        bytes: z.strictObject({ moved: count, spared: count }),
      })
      .optional(),
    result: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("copy"), digest: z.string(), unchanged: z.boolean() }),
        z.strictObject({ kind: z.literal("sync"), summary }),
        z.strictObject({ kind: z.literal("sign"), digest: z.string(), keyId: z.string() }),
        z.strictObject({
          kind: z.literal("verify"),
          digest: z.string(),
          allowed: z.boolean(),
          reason: z.string(),
        }),
      ])
      .optional(),
    failure: z
      .strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() })
      .optional(),
    webhook: z.string().optional().meta({ description: "Scheme and host alone" }),
    retryOf: z.string().optional(),
  })
  .meta({ id: "Job" });

/** One. */
export const jobAnswer = z.strictObject({ job: jobSchema });

/** Newest first; `next` is the `before` of the following page. */
export const jobsAnswer = z.strictObject({ jobs: z.array(jobSchema), next: z.string().optional() });

/** Mirrors of the settings. */
export const mirrorsAnswer = z.strictObject({
  mirrors: z.array(
    z
      .strictObject({
        name: z.string(),
        rules: z.array(z.strictObject({ from: z.string(), to: z.string() })),
        schedule: z.string().optional(),
        timeZone: z.string().optional(),
        nextRun: count.optional(),
        lastJob: jobSchema.optional(),
      })
      .meta({ id: "Mirror" }),
  ),
});

/** What a clock starts. */
export const schedulesAnswer = z.strictObject({
  schedules: z.array(
    z
      .strictObject({
        name: z.string(),
        cron: z.string(),
        timeZone: z.string().optional(),
        nextRun: count.optional(),
        request: z.looseObject({ kind: z.enum(kinds) }),
      })
      .meta({ id: "Schedule" }),
  ),
});

/** How it answers what it does not do. */
export const errorAnswer = z
  .strictObject({
    error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() }),
  })
  .meta({ id: "JobsError" });

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text) || /[\s\\\p{Cc}]/u.test(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}
