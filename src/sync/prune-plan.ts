import { isDigestTag } from "./companions/digest-tags.ts";
import type { PruneRule } from "./mirror.ts";

/** What would become of the names in one place. */
export interface PrunePlan {
  readonly doomed: readonly string[];
  /** Names of images that stay. */
  readonly staying: readonly string[];
  /** What is made of digests: it goes where its image goes. */
  readonly digestTags: readonly string[];
}

/**
 * Which names are to go: those that no rule gave and that the prune rule means. What is made of a digest is the name of no
 * image.
 *
 * @param given by any rule of the run
 */
export function planPrune(
  names: readonly string[],
  given: ReadonlySet<string>,
  isMeant: (name: string) => boolean,
): PrunePlan {
  const own = names.filter((name) => !isDigestTag(name));
  const doomed = own.filter((name) => !given.has(name) && isMeant(name));
  const going = new Set(doomed);
  return {
    doomed,
    staying: own.filter((name) => !going.has(name)),
    digestTags: names.filter(isDigestTag),
  };
}

/** How many names of a place would go, and of how many. */
export interface PruneShare {
  readonly would: number;
  readonly of: number;
}

/** What a plan comes to for those names that count. */
export function shareOf(
  { doomed, staying }: PrunePlan,
  counts: (name: string) => boolean,
): PruneShare {
  const would = doomed.filter(counts).length;
  return { would, of: would + staying.filter(counts).length };
}

/** Whether so many would go that something else may be wrong. */
export function isTooMuch(
  { would, of }: PruneShare,
  { threshold, alwaysUpTo }: Pick<PruneRule, "threshold" | "alwaysUpTo">,
): boolean {
  return would > alwaysUpTo && would > threshold * of;
}
