import type { Enumerate, FindingParts } from "../../../src/sync/ends.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";
import type { Mirror, MirrorRule, TagRules } from "../../../src/sync/mirror.ts";
import { createEnumerate } from "../../../src/sync/selection/enumerate.ts";
import type { Engine } from "../../support/engine.ts";
import { mirrorRule } from "../../support/mirror.ts";

/** What came of finding the images of a mirror: `from -> to`, and what was told of. */
export interface Found {
  readonly images: readonly string[];
  readonly events: readonly SyncEvent[];
  /** `code what` of each failure. */
  readonly failures: readonly string[];
}

/** Finds the images of rules, one rule after the other. */
export async function find(
  engine: Engine,
  rules: readonly MirrorRule[],
  more: Partial<FindingParts> = {},
): Promise<Found> {
  const events: SyncEvent[] = [];
  const parts = { ...partsOf(engine), report: (event: SyncEvent) => events.push(event), ...more };
  const mirror: Mirror = { rules };
  const enumerate: Enumerate = createEnumerate(mirror);
  const images: string[] = [];
  for (const rule of rules) {
    for await (const { from, to } of enumerate(rule, parts))
      images.push(`${from.reference.text} -> ${to.reference.transport}:${to.reference.text}`);
  }
  const failures = events.flatMap((event) =>
    event.type === "listing-failed" ? [`${event.code} ${event.what}`] : [],
  );
  return { images, events, failures };
}

/** Ends that are all the engine's, on 2024-01-10. */
export function partsOf(engine: Engine): FindingParts {
  return {
    ends: { open: async () => ({ resolve: (text, as) => engine.end(text, as) }) },
    report: () => {},
    clock: {
      now: () => Date.parse("2024-01-10T00:00:00Z"),
      sleep: async () => {},
    },
    random: () => 0.5,
    retries: 2,
    signal: new AbortController().signal,
  };
}

/** A rule for repositories of a registry; names with a `*` are globs, those with a `^` RE2. */
export function registryRule(
  domain: string,
  repositories: readonly string[],
  template: string,
  more: Partial<MirrorRule> & { readonly excluded?: readonly string[] } = {},
): MirrorRule {
  const { excluded = [], ...rest } = more;
  return mirrorRule(`${domain}/${repositories.join(",")}`, template, {
    from: {
      kind: "registry",
      domain,
      repositories: repositories.map(nameRule),
      exclude: excluded.map(nameRule),
      end: domain,
    },
    ...rest,
  });
}

/** Rules that do not narrow, but for these. */
export function tagRules(more: Partial<TagRules>): TagRules {
  return { ...mirrorRule("x", "y").tags, ...more };
}

function nameRule(text: string): TagRules["include"][number] {
  if (text.includes("^")) return { kind: "regex", pattern: text };
  if (text.includes("*")) return { kind: "glob", pattern: text };
  return { kind: "literal", name: text };
}
