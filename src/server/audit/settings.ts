import * as z from "zod";
import { count, filePath, size } from "../../config/setting-values.ts";

/** `audit:` the log of who did what. */
export const auditSettings = z.strictObject({
  /** `audit/audit.jsonl` in the data folder by default. */
  file: filePath().optional(),
  /** A file that has grown beyond is put aside, under its name and the number of its first line. */
  maxBytes: size().prefault("256MiB"),
  /** So many files that were put aside are kept; 0: all. */
  keep: count().default(0),
  off: z.boolean({ error: "expected true or false" }).default(false),
});

/** As parsed. */
export type AuditSettings = z.output<typeof auditSettings>;
