import type { SyncEvent } from "../../../src/sync/events.ts";
import type { CompileNames } from "../../../src/sync/existing.ts";
import type { MirrorRule, PruneRule } from "../../../src/sync/mirror.ts";
import type { GivenTags } from "../../../src/sync/parts.ts";
import { namePlace } from "../../../src/sync/place.ts";
import { createPrune } from "../../../src/sync/prune.ts";
import { Engine } from "../../support/engine.ts";

/** Literals, and patterns with a star at their end. */
export const compileNames: CompileNames = async (rules) => (name) =>
  rules.some((rule) =>
    rule.kind === "literal" ? rule.name === name : name.startsWith(rule.pattern.replace("*", "")),
  );

export const pruneAll: PruneRule = { dryRun: false, only: [], threshold: 1, alwaysUpTo: 0 };

/** Prunes the place of `to` (a reference as typed), to which a rule gave these names; what was told, in short. */
export async function prune(
  to: string,
  given: readonly string[],
  rule: Partial<PruneRule> = {},
): Promise<readonly string[]> {
  const events: SyncEvent[] = [];
  await using engine = new Engine();
  const end = await engine.end(to, "destination");
  const { place } = namePlace(end.reference) ?? { place: "" };
  const tags: GivenTags = { to: end, tags: new Set(given) };
  const parts = {} as never;
  const { signal } = new AbortController();
  await createPrune(compileNames)(
    { name: "rule", prune: { ...pruneAll, ...rule } } as MirrorRule,
    new Map([[place, tags]]),
    { report: (event) => events.push(event), dryRun: false, signal, parts },
  );
  return events.map(lineOf).sort();
}

function lineOf(event: SyncEvent): string {
  switch (event.type) {
    case "pruned":
      return `${event.dryRun ? "would prune" : "pruned"} ${shown(event.reference)}`;
    case "prune-left":
      return `left ${shown(event.reference)}`;
    case "prune-refused":
      return `refused ${event.would} of ${event.of}`;
    default:
      return event.type;
  }
}

function shown(reference: Parameters<typeof namePlace>[0]): string {
  return namePlace(reference)?.name ?? "one without a name";
}
