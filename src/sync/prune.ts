import { KnownError } from "../core/errors.ts";
import { Backups } from "./backup.ts";
import type { CompileNames } from "./existing.ts";
import type { PruneRule } from "./mirror.ts";
import type { Prune } from "./parts.ts";
import { type Pruning, pruneNames } from "./prune-names.ts";
import { isTooMuch, planPrune, shareOf } from "./prune-plan.ts";

/**
 * Removes what a rule does not give any more, place by place. Nothing is removed of a place whose names cannot all be
 * listed, or of which too large a share would go. What belongs to a removed image, and to none that stays, goes with it.
 *
 * @throws the first failure and how many more there were, once the other places were seen to
 */
export function createPrune(compile: CompileNames): Prune {
  return async ({ name, prune }, given, options) => {
    if (!prune) return;
    const isMeant = prune.only.length === 0 ? () => true : await compile(prune.only);
    const { report, signal } = options;
    const dryRun = options.dryRun || prune.dryRun;
    const failures: KnownError[] = [];
    for (const [place, { to, tags, backups = [] }] of given) {
      signal.throwIfAborted();
      const pruning = { rule: name, place, to, report, signal, dryRun };
      const rules = { ...prune, isMeant, backups: new Backups(backups, tags, prune) };
      const left = await prunePlace(pruning, tags, rules).catch((error: unknown) => {
        if (!(error instanceof KnownError) || signal.aborted) throw error;
        return [error];
      });
      failures.push(...left);
    }
    const failure = together(failures);
    if (failure) throw failure;
  };
}

/** Most often all have one reason. */
function together(failures: readonly KnownError[]): KnownError | undefined {
  const [first, ...others] = failures;
  if (!first || others.length === 0) return first;
  return new KnownError(first.code, `${first.message}; and so with ${others.length} more`, {
    cause: first,
    retryable: failures.some(({ retryable }) => retryable),
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}

async function prunePlace(
  pruning: Pruning,
  given: ReadonlySet<string>,
  rules: PlaceRules,
): Promise<readonly KnownError[]> {
  const { backups, isMeant } = rules;
  const names = await namesIn(pruning);
  const plan = planPrune(names, given, (name) => isMeant(name) && !backups.stays(name));
  const share = shareOf(plan, (name) => !backups.has(name));
  if (!isTooMuch(share, rules)) return await pruneNames(pruning, plan);
  pruning.report({
    type: "prune-refused",
    rule: pruning.rule,
    repository: pruning.place,
    ...share,
  });
  return [];
}

interface PlaceRules extends Pick<PruneRule, "threshold" | "alwaysUpTo"> {
  readonly isMeant: (name: string) => boolean;
  readonly backups: Backups;
}

async function namesIn({ to, signal }: Pruning): Promise<readonly string[]> {
  const { named } = to.transport;
  return (await named?.names(to.reference, "destination", { signal })) ?? [];
}
