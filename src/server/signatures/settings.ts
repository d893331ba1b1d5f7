import * as z from "zod";
import { duration, httpUrl } from "../../config/setting-values.ts";
import { repositoryPatterns } from "../pattern-values.ts";

/** One more place of signatures. */
export const signatureSource = z.strictObject({
  /** Of which repositories, as `domain/path`. */
  repositories: repositoryPatterns(),
  /** Of a look-aside: where `<path>@sha256=<hex>/signature-1` is below. */
  lookaside: httpUrl(),
});

/** `signatures:` — where signatures come from, besides those kept here. */
export const signaturesSettings = z.strictObject({
  /** Read besides what an upstream has of its own. */
  sources: z.array(signatureSource).default([]),
  /** How long what others said is good. */
  freshFor: duration().default(60_000),
  /** How long it stands in for an answer where they cannot be asked. */
  heldFor: duration().default(86_400_000),
  /** How long others may take to answer. */
  answerWithin: duration().default(10_000),
  /** Whether everybody may read the look-aside: its clients send no credentials but those in its URL. */
  publicLookaside: z.boolean({ error: "expected true or false" }).default(false),
  /** Whether `/v2/` announces the API: clients then ask for signatures here and nowhere else. */
  api: z.boolean({ error: "expected true or false" }).default(true),
});

/** As parsed. */
export type SignaturesSettings = z.output<typeof signaturesSettings>;
