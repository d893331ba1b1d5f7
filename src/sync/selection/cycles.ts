import { namePrefix } from "./destinations.ts";
import type { Origin } from "./origin.ts";

/**
 * What is wrong with a repository that a rule both takes from and puts into; undefined of all others. A pattern that takes
 * what it made itself makes more of it in each run, and pruning where the images come from would remove what is the source.
 */
export function findCycles(origins: readonly Origin[]): ReadonlyMap<Origin, string> {
  const makers = new Map<string, Origin>();
  for (const origin of origins) {
    const name = placeOf(origin);
    if (name !== sourceOf(origin)) makers.set(name, origin);
  }
  const cycles = new Map<Origin, string>();
  for (const origin of origins) {
    const why = whyCycle(origin, makers);
    if (why !== undefined) cycles.set(origin, why);
  }
  return cycles;
}

function whyCycle(origin: Origin, makers: ReadonlyMap<string, Origin>): string | undefined {
  const source = sourceOf(origin);
  const maker = makers.get(source);
  if (maker)
    return `it is what becomes of ${maker.what}: leave it out with exclude, or name others`;
  const isPruned = origin.rule.prune !== undefined && placeOf(origin) === source;
  return isPruned ? "it is its own destination, and pruning would remove the source" : undefined;
}

function sourceOf({ what }: Origin): string {
  return `docker://${what}`;
}

function placeOf(origin: Origin): string {
  return namePrefix(origin).prefix;
}
