import * as z from "zod";
import { count, duration, filePath } from "../../config/setting-values.ts";
import { repositoryPatterns } from "../pattern-values.ts";

const scope = z
  .strictObject({
    repositories: repositoryPatterns(),
    mode: z.enum(["enforce", "audit", "off"]).default("enforce"),
    refuseAt: z.enum(["manifest", "blob"]).default("manifest"),
    identity: z.enum(["upstream", "client"]).default("upstream"),
    instances: z.enum(["all", "lazy"]).default("all"),
    strictBlobs: z.boolean().default(false),
    noRollback: z.boolean().default(false),
  })
  .refine(({ noRollback, instances }) => !noRollback || instances === "all", {
    path: ["noRollback"],
    error: "expected with instances: all, since what was not judged has no time",
  })
  // What is refused at its blobs alone needs its blobs judged.
  .transform((scope) => ({
    ...scope,
    strictBlobs: scope.strictBlobs || scope.refuseAt === "blob",
  }));

/**
 * Section `admission`. The first scope whose pattern matches decides; what none matches is enforced. Without the section
 * nothing is judged.
 */
export const admissionSettings = z.strictObject({
  /** By default containers' own `policy.json`. */
  policy: filePath().optional(),
  /** By default `x-policy.json` beside containers' own policy; none beside one that is named. */
  overlay: filePath().optional(),
  scopes: z.array(scope).default([]),
  /** How long what was admitted is not judged again. */
  decisionTtl: duration().default(60_000),
  refusalTtl: duration().default(5_000),
  /** How long judging may take, signatures of upstreams included. */
  judgeWithin: duration().default(30_000),
  keepDecisions: count().default(10_000),
  /** Whether clients are told files and addresses of ours in reasons. */
  showDetails: z.boolean().default(false),
});

/** What {@link admissionSettings} makes of its section. */
export type AdmissionSettings = z.output<typeof admissionSettings>;

/** How repositories are dealt with. */
export type AdmissionScope = Omit<z.output<typeof scope>, "repositories"> & {
  /** The pattern that matched; "" where none did. */
  readonly pattern: string;
};

const everythingElse: AdmissionScope = {
  pattern: "",
  mode: "enforce",
  refuseAt: "manifest",
  identity: "upstream",
  instances: "all",
  strictBlobs: false,
  noRollback: false,
};

const maxKept = 10_000;

/** Finds the scope of a repository by its `domain/path`; remembers what it found. */
export function createScopeFinder(
  settings: AdmissionSettings | undefined,
): (name: string) => AdmissionScope {
  if (!settings) return () => ({ ...everythingElse, mode: "off" });
  const kept = new Map<string, AdmissionScope>();
  return (name) => {
    const known = kept.get(name);
    if (known) return known;
    if (kept.size >= maxKept) kept.clear();
    const found = findScope(settings, name);
    kept.set(name, found);
    return found;
  };
}

function findScope({ scopes }: AdmissionSettings, name: string): AdmissionScope {
  for (const { repositories, ...scope } of scopes) {
    const pattern = repositories.find((each) => each.matches(name));
    if (pattern) return { ...scope, pattern: pattern.text };
  }
  return everythingElse;
}
