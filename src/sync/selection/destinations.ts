import type { Origin } from "./origin.ts";

/** Origins whose images may come to have the same names: those that share what stands before the tag. */
export interface NameGroup {
  readonly origins: Origin[];
  /** By destination, the first source that would go there. */
  readonly taken: Map<string, string>;
  /** Destinations of several sources: none of them goes there. */
  readonly contested: Set<string>;
}

const mark = "\u0001";

/**
 * The origins that may give a name twice, with those that they share it with. Alone, and with its tags in its names, an
 * origin cannot: it is in no group, and nothing of it need be known beforehand.
 */
export function groupByName(origins: readonly Origin[]): ReadonlyMap<Origin, NameGroup> {
  const byPrefix = new Map<string, NameGroup>();
  const groups = new Map<Origin, NameGroup>();
  for (const origin of origins) {
    const { prefix, hasTag } = namePrefix(origin);
    const group: NameGroup = byPrefix.get(prefix) ?? {
      origins: [],
      taken: new Map(),
      contested: new Set(),
    };
    byPrefix.set(prefix, group);
    group.origins.push(origin);
    if (group.origins.length === 1 && hasTag) continue;
    for (const member of group.origins) groups.set(member, group);
  }
  return groups;
}

/** What stands before the tag, or before that which becomes of it. */
export function namePrefix(origin: Origin): {
  readonly prefix: string;
  readonly hasTag: boolean;
} {
  const name = placeTaken(origin.name({ ...origin.repository, tag: mark }));
  const marked = name.indexOf(mark);
  const transportEnd = name.indexOf(":") + 1;
  const colon = name.indexOf(":", Math.max(transportEnd, name.lastIndexOf("/")));
  const ends = [marked, colon].filter((at) => at >= 0);
  return { prefix: name.slice(0, Math.min(name.length, ...ends)), hasTag: marked >= 0 };
}

/**
 * Takes the names of an origin for it, but for images that go there already.
 *
 * @returns what it may keep, and what is wrong: images whose name is another's
 */
export function claimNames(
  group: NameGroup,
  origin: Origin,
  keys: readonly string[],
): { readonly kept: readonly string[]; readonly clashes: readonly string[] } {
  const kept: string[] = [];
  const clashes: string[] = [];
  for (const key of keys) {
    const name = destinationOf(origin, key);
    const to = placeTaken(name);
    const from = origin.sourceText(key);
    const other = group.taken.get(to);
    if (other === undefined) {
      group.taken.set(to, from);
      kept.push(key);
    } else if (other !== from) {
      group.contested.add(to);
      const why = to === name ? "" : ", which is written with one image";
      clashes.push(`${other} and ${from} would both go to ${to}${why}`);
    }
  }
  return { kept, clashes };
}

/** Without those whose name turned out to be wanted by others, once all of the group have been seen. */
export function uncontested(
  { contested }: NameGroup,
  origin: Origin,
  keys: readonly string[],
): readonly string[] {
  if (contested.size === 0) return keys;
  return keys.filter((key) => !contested.has(placeTaken(destinationOf(origin, key))));
}

/** What an image takes for itself: of an archive the whole file, since that is written anew with each. */
function placeTaken(name: string): string {
  return /^(?:oci|docker)-archive:[^:]*/.exec(name)?.[0] ?? name;
}

/** Transport and text. */
export function destinationOf(origin: Origin, key: string): string {
  return origin.name(origin.sourceName(key));
}
