import type { TagRules } from "../mirror.ts";
import { compileNameRules, type TakesName } from "./name-rules.ts";
import type { Version } from "./version.ts";

/** What choosing may have to find out. */
export interface Chooser {
  /** Milliseconds since the epoch at which the image of that name was made; undefined where it does not say. */
  readonly createdAt: (
    names: readonly string[],
  ) => Promise<ReadonlyMap<string, number | undefined>>;
  readonly now: () => number;
}

/** Narrows names to those that are wanted, in the order in which they came, each once. */
export type ChooseTags = (names: readonly string[], chooser: Chooser) => Promise<ChosenTags>;

/** What is wanted. */
export interface ChosenTags {
  readonly taken: readonly string[];
  /** The rule that left nothing of what there was; undefined where something is left, or there was nothing. */
  readonly ruledOutBy: string | undefined;
}

type Narrow = (names: readonly string[], chooser: Chooser) => Promise<readonly string[]>;

/**
 * What the rules choose among the tags that there are. Digests and tags in {@link TagRules.list} are for whoever asks for
 * the names.
 *
 * @throws {PatternError} @throws {RepositoryPatternError} @throws {ConstraintError} for what cannot be meant
 */
export async function compileTagRules(rules: TagRules): Promise<ChooseTags> {
  const { include, exclude, semver, newest, newestBy, maxAgeMs } = rules;
  const steps: (readonly [string, Narrow])[] = [];
  const step = (rule: string, narrow: Narrow) => steps.push([`tags.${rule}`, narrow]);
  if (include.length > 0) step("include", byName(await compileNameRules(include), true));
  if (exclude.length > 0) step("exclude", byName(await compileNameRules(exclude), false));
  if (semver !== undefined) step("semver", await byVersion(semver));
  if (newest !== undefined) step("newest", await byNewest(newest, newestBy));
  if (maxAgeMs !== undefined) step("max-age", byAge(maxAgeMs));
  return async (names, chooser) => {
    let taken: readonly string[] = [...new Set(names)];
    let ruledOutBy: string | undefined;
    for (const [rule, narrow] of steps) {
      if (taken.length === 0) break;
      taken = await narrow(taken, chooser);
      if (taken.length === 0) ruledOutBy = rule;
    }
    return { taken, ruledOutBy };
  };
}

function byName(takes: TakesName, wanted: boolean): Narrow {
  return async (names) => names.filter((name) => takes(name) === wanted);
}

async function byVersion(constraint: string): Promise<Narrow> {
  const [{ parseConstraint }, { parseVersion }] = await Promise.all([
    import("./constraint.ts"),
    import("./version.ts"),
  ]);
  const fits = parseConstraint(constraint);
  return async (names) =>
    names.filter((name) => {
      const version = parseVersion(name);
      return version !== undefined && fits(version);
    });
}

async function byNewest(count: number, by: TagRules["newestBy"]): Promise<Narrow> {
  const { compareVersions, parseVersion } = await import("./version.ts");
  switch (by) {
    case "name":
      return async (names) => newest(names, count, (one, other) => (one < other ? -1 : 1));
    case "version":
      return async (names) => {
        const versions = new Map<string, Version>();
        for (const name of names) {
          const version = parseVersion(name);
          if (version) versions.set(name, version);
        }
        const order = (one: string, other: string) => {
          const [a, b] = [versions.get(one), versions.get(other)];
          return a && b ? compareVersions(a, b) : 0;
        };
        return newest(
          names.filter((name) => versions.has(name)),
          count,
          order,
        );
      };
    case "created":
      return async (names, { createdAt }) => {
        if (names.length <= count) return names;
        const times = await createdAt(names);
        const timeOf = (name: string) => times.get(name) ?? Number.NEGATIVE_INFINITY;
        return newest(names, count, (one, other) => {
          const [a, b] = [timeOf(one), timeOf(other)];
          return a === b ? 0 : a - b;
        });
      };
  }
}

/** Of names that are equally new, the later ones. */
function newest(
  names: readonly string[],
  count: number,
  order: (one: string, other: string) => number,
): readonly string[] {
  if (names.length <= count) return names;
  const kept = new Set(count === 0 ? [] : names.toSorted(order).slice(-count));
  return names.filter((name) => kept.has(name));
}

/** What does not say when it was made is not taken for old. */
function byAge(maxAgeMs: number): Narrow {
  return async (names, { createdAt, now }) => {
    const times = await createdAt(names);
    const oldest = now() - maxAgeMs;
    return names.filter((name) => (times.get(name) ?? oldest) >= oldest);
  };
}
