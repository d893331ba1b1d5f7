import * as z from "zod";
import { parsePlatform } from "../core/platform.ts";
import type { JobRequest } from "./job.ts";

/** Longer names nobody has. */
const maxName = 4096;

const image = z
  .string({ error: "expected an image such as docker://registry.example/team/app:1" })
  .min(1, { error: "expected an image such as docker://registry.example/team/app:1" })
  .max(maxName, { error: `expected at most ${maxName} characters` })
  .refine(isPrintable, { error: "expected printable characters" })
  .refine((text) => /^[a-z-]+:./.test(text), {
    error: "expected TRANSPORT:NAME, such as docker://registry.example/team/app:1",
  });

const credentials = z
  .string({ error: "expected the name of an entry under jobs.credentials" })
  .regex(/^[\w.-]{1,128}$/, { error: "expected the name of an entry under jobs.credentials" })
  .meta({ description: "Name of an entry under jobs.credentials; never the secret itself" });

/** One image; a text alone is one without credentials. */
const end = z
  .union(
    [
      image.transform((text) => ({ image: text })),
      z.strictObject({ image, credentials: credentials.optional() }),
    ],
    {
      error: "expected an image, or an object with image and credentials",
    },
  )
  .meta({ id: "JobEnd" });

const platform = z
  .string({ error: "expected OS/ARCHITECTURE[/VARIANT]" })
  .max(128)
  .refine(isPlatform, { error: "expected OS/ARCHITECTURE[/VARIANT]" });

const copyOptions = z.strictObject({
  platforms: z
    .union([z.literal("all"), z.array(platform).min(1).max(64)], {
      error: 'expected "all" or a list of OS/ARCHITECTURE[/VARIANT]',
    })
    .optional()
    .meta({ description: "Of a list; without it the image for the server's own platform" }),
  preserveDigests: z.boolean({ error: "expected true or false" }).optional(),
  removeSignatures: z.boolean({ error: "expected true or false" }).optional(),
});

const keyName = z
  .string({ error: "expected the name of a key under signing.keys" })
  .min(1, { error: "expected the name of a key under signing.keys" })
  .max(128)
  .meta({ description: "Name of a key under signing.keys" });

/** What of a body tells what is to be done, by the kind of job. */
export const jobRequestShapes = {
  copy: { kind: z.literal("copy"), from: end, to: end, options: copyOptions.prefault({}) },
  sync: {
    kind: z.literal("sync"),
    mirror: z
      .union(
        [
          z
            .string()
            .min(1)
            .max(256 * 1024),
          z.looseObject({}),
        ],
        {
          error: "expected the name of a mirror of the settings, or a specification",
        },
      )
      .meta({ description: "The name of a mirror of the settings, or a specification" }),
    dryRun: z.boolean({ error: "expected true or false" }).default(false),
  },
  sign: { kind: z.literal("sign"), image: end, key: keyName },
  verify: { kind: z.literal("verify"), image: end },
} as const;

/**
 * What a job is asked to do, from JSON: whatever is not known is an error. Whether it may be done is not looked at.
 */
export const jobRequestSchema = z.discriminatedUnion(
  "kind",
  [
    z.strictObject(jobRequestShapes.copy),
    z.strictObject(jobRequestShapes.sync),
    z.strictObject(jobRequestShapes.sign),
    z.strictObject(jobRequestShapes.verify),
  ],
  { error: "expected kind: copy, sync, sign or verify" },
);

/** As parsed, which is a {@link JobRequest} but for members that are there and undefined. */
export type ParsedJobRequest = z.output<typeof jobRequestSchema>;

/** The parsed request as plain JSON: no member is undefined. */
export function asJobRequest(parsed: ParsedJobRequest): JobRequest {
  return JSON.parse(JSON.stringify(parsed)) as JobRequest;
}

/** The name of the mirror of the settings that a job runs; undefined where it does something else. */
export function namedMirror(request: JobRequest): string | undefined {
  if (request.kind !== "sync" || typeof request.mirror !== "string") return undefined;
  return isMirrorName(request.mirror) ? request.mirror : undefined;
}

/** A specification is longer than a word. */
export function isMirrorName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,127}$/.test(text);
}

function isPlatform(text: string): boolean {
  try {
    parsePlatform(text);
    return true;
  } catch {
    return false;
  }
}

/** No control characters, and none that turn the direction of what is read. */
function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}
