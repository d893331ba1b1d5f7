import { KnownError } from "../core/errors.ts";
import type { CompileNames } from "./existing.ts";
import type { PruneRule } from "./mirror.ts";
import type { Prune } from "./parts.ts";
import { type Pruning, pruneNames } from "./prune-names.ts";
import { isTooMuch, planPrune } from "./prune-plan.ts";

/**
 * Removes what a rule does not give any more, place by place. Nothing is removed of a place whose names cannot all be
 * listed, or of which too large a share would go. What belongs to a removed image, and to none that stays, goes with it.
 *
 * @throws the first failure, once the other places were seen to
 */
export function createPrune(compile: CompileNames): Prune {
  return async ({ name, prune }, given, options) => {
    if (!prune) return;
    const isMeant = prune.only.length === 0 ? () => true : await compile(prune.only);
    const { report, signal } = options;
    const dryRun = options.dryRun || prune.dryRun;
    const failures: KnownError[] = [];
    for (const [place, { to, tags }] of given) {
      signal.throwIfAborted();
      const pruning = { rule: name, place, to, report, signal, dryRun };
      await prunePlace(pruning, tags, prune, isMeant).catch((error: unknown) => {
        if (!(error instanceof KnownError) || signal.aborted) throw error;
        failures.push(error);
      });
    }
    if (failures[0]) throw failures[0];
  };
}

async function prunePlace(
  pruning: Pruning,
  given: ReadonlySet<string>,
  rule: PruneRule,
  isMeant: (name: string) => boolean,
): Promise<void> {
  const plan = planPrune(await namesIn(pruning), given, isMeant);
  if (!isTooMuch(plan, rule)) return await pruneNames(pruning, plan);
  const would = plan.doomed.length;
  const of = would + plan.staying.length;
  pruning.report({
    type: "prune-refused",
    rule: pruning.rule,
    repository: pruning.place,
    would,
    of,
  });
}

async function namesIn({ to, signal }: Pruning): Promise<readonly string[]> {
  const { named } = to.transport;
  return (await named?.names(to.reference, "destination", { signal })) ?? [];
}
