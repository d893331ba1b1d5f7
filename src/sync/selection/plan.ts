import { pool } from "../../stream/pool.ts";
import type { FindingParts } from "../ends.ts";
import type { Mirror, MirrorRule } from "../mirror.ts";
import { createNamer } from "../naming.ts";
import { attempt } from "./attempt.ts";
import { findCycles } from "./cycles.ts";
import type { Origin } from "./origin.ts";
import { placeOrigins } from "./places.ts";
import { type PlanningParts, repositoryOrigins } from "./repositories.ts";

const plannedAtOnce = 8;

/**
 * All that the rules take images from; nothing is asked but catalogs. A rule that cannot be planned, and a repository
 * whose images cannot be called what the rule says, are reported, and left out.
 */
export async function planOrigins(
  mirror: Mirror,
  parts: FindingParts,
): Promise<ReadonlyMap<MirrorRule, readonly Origin[]>> {
  const origins = new Map<MirrorRule, readonly Origin[]>(mirror.rules.map((rule) => [rule, []]));
  const run = { ...parts, catalogs: new Map<string, Promise<readonly string[]>>() };
  await pool(mirror.rules, plannedAtOnce, parts.signal, async (rule) => {
    const found = await attempt(rule.name, rule.name, parts, () => originsOf(rule, run));
    const nameable: Origin[] = [];
    for (const origin of found ?? []) {
      if (await isNameable(origin, parts)) nameable.push(origin);
    }
    origins.set(rule, withoutCycles(nameable, parts));
  });
  return origins;
}

/** A rule's own images are no sources of it. */
function withoutCycles(origins: readonly Origin[], { report }: FindingParts): readonly Origin[] {
  const cycles = findCycles(origins);
  for (const [{ rule, what }, message] of cycles) {
    const failure = { rule: rule.name, what, message, code: "sync.cycle", retryable: false };
    report({ type: "listing-failed", ...failure });
  }
  return origins.filter((origin) => !cycles.has(origin));
}

async function originsOf(rule: MirrorRule, parts: PlanningParts): Promise<readonly Origin[]> {
  const name = await createNamer(rule.to);
  await parts.ends.open(rule.to.end); // what is wrong with it is told once, and not of each repository
  const { from } = rule;
  if (from.kind === "registry") return await repositoryOrigins(rule, from, name, parts);
  return await placeOrigins(rule, from, name, parts);
}

async function isNameable(origin: Origin, parts: FindingParts): Promise<boolean> {
  const text = origin.name({ ...origin.repository, tag: "x" });
  if (!text.startsWith("docker:")) return true; // others look at what is there
  const { rule, what } = origin;
  const named = await attempt(rule.name, what, parts, async () => {
    const end = await parts.ends.open(rule.to.end);
    return await end.resolve(text, "destination", parts);
  });
  return named !== undefined;
}
