import * as z from "zod";
import { isDigest } from "../../core/digest.ts";
import { KnownError } from "../../core/errors.ts";
import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import { printable } from "../../registry/printable.ts";

const digest = z
  .string()
  .max(256)
  .refine(isDigest, { error: "expected a digest such as sha256:…" })
  .meta({ description: "sha256:… or sha512:…, of a manifest or of a blob" });

const pattern = z
  .string()
  .max(512)
  .refine(isPattern, { error: "expected a pattern of repositories such as docker.io/evil/**" })
  .meta({ description: "A pattern of domain/path, such as docker.io/evil/**" });

const reason = z
  .string()
  .trim()
  .min(1, { error: "expected a reason" })
  .max(300)
  .refine((text) => printable(text) === text, { error: "expected one printable line" })
  .meta({ description: "Told to whoever is refused because of it" });

/** Body of `POST /api/v1/blocked`. */
export const newBlockSchema = z
  .union([z.strictObject({ digest, reason }), z.strictObject({ repository: pattern, reason })])
  .meta({ id: "NewBlock" });

/** A block as the API gives it. */
export const blockSchema = z
  .strictObject({
    id: z.string(),
    digest: z.string().optional(),
    repository: z.string().optional(),
    reason: z.string(),
    at: z.iso.datetime(),
    by: z.string().optional(),
  })
  .meta({ id: "Block" });

/** Blocks. */
export const blocksSchema = z.strictObject({ blocked: z.array(blockSchema) });

/** Which blocks `DELETE /api/v1/blocked` lifts: exactly one of these. */
export const blockQuery = z.union([
  z.strictObject({ digest: z.string().max(256) }),
  z.strictObject({ repository: z.string().max(512) }),
]);

/** `/api/v1/blocked/ID`, `/api/v1/decisions/ID`. */
export const idParams = z.strictObject({ id: z.string().regex(/^[\w-]{1,64}$/) });

/** Which decisions are listed. */
export const decisionsQuery = z.strictObject({
  repository: z.string().max(512).optional().meta({ description: "domain/path" }),
  allowed: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional(),
  since: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()])
    .transform((text) => Date.parse(text))
    .optional()
    .meta({ description: "ISO 8601" }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const decided = z.strictObject({
  digest: z.string(),
  platform: z.string().optional(),
  attachment: z.literal(true).optional(),
  allowed: z.boolean(),
  verdict: z.looseObject({}).optional(),
  text: z.string().optional(),
});

/** A decision as the API gives it. */
export const decisionSchema = z
  .strictObject({
    id: z.string(),
    at: z.iso.datetime(),
    kind: z.enum(["manifest", "blob", "blocked", "rollback"]),
    outcome: z.enum(["admitted", "refused", "undecided"]),
    mode: z.enum(["enforce", "audit", "off"]),
    repository: z.string(),
    image: z.string(),
    digest: z.string(),
    reason: z.string().optional(),
    hint: z.string().optional(),
    scope: z.string().meta({ description: "The pattern of the settings that matched" }),
    policy: z.strictObject({ path: z.string(), sha256: z.string(), keys: z.string() }).optional(),
    images: z.array(decided),
  })
  .meta({ id: "Decision" });

/** Decisions, newest first; their verdicts are left out. */
export const decisionsSchema = z.strictObject({
  decisions: z.array(decisionSchema.omit({ images: true })),
});

/** How it answers what it cannot. */
export const errorSchema = z
  .strictObject({
    errors: z.array(z.strictObject({ code: z.string(), message: z.string(), detail: z.unknown() })),
  })
  .meta({ id: "Errors" });

function isPattern(text: string): boolean {
  try {
    parseRepositoryPattern(text);
    return true;
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}
