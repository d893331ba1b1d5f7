import { type Comparison, type Operator, parseConstraintText } from "./constraint-text.ts";
import { comparePrereleases, compareVersions, type Version } from "./version.ts";

/** Whether a version fits. */
export type Constraint = (version: Version) => boolean;

/**
 * A constraint in the language of Masterminds/semver v3, which skopeo's `images-by-semver` is written in. Versions before
 * a release fit only an alternative that names such a version itself.
 *
 * @throws {ConstraintError}
 */
export function parseConstraint(text: string): Constraint {
  const alternatives = parseConstraintText(text).map((comparisons) => ({
    comparisons,
    prereleases: comparisons.some(({ version }) => version.prerelease !== ""),
  }));
  return (version) =>
    alternatives.some(
      ({ comparisons, prereleases }) =>
        (prereleases || version.prerelease === "") &&
        comparisons.every((comparison) => tests[comparison.operator](version, comparison)),
    );
}

type Test = (version: Version, comparison: Comparison) => boolean;

const tests: Readonly<Record<Operator, Test>> = {
  "=": (version, comparison) =>
    comparison.open === "none"
      ? compareVersions(version, comparison.version) === 0
      : isNear(version, comparison),
  "!=": (version, comparison) => differs(version, comparison),
  ">": (version, comparison) => isBeyond(version, comparison),
  "<": (version, { version: than }) => compareVersions(version, than) < 0,
  ">=": (version, { version: than }) => compareVersions(version, than) >= 0,
  "<=": (version, comparison) => isUpTo(version, comparison),
  "~": (version, comparison) => isNear(version, comparison),
  "^": (version, comparison) => isCompatible(version, comparison),
};

/** Of `!= *` only what is not 0.0.0 is asked, as the original does. */
function differs(version: Version, { version: than, open }: Comparison): boolean {
  if (open === "none" || open === "major") {
    return compareVersions(version, than) !== 0;
  }
  if (version.major !== than.major) return true;
  if (open === "minor") return false;
  if (version.minor !== than.minor) return true;
  return comparePrereleases(version.prerelease, than.prerelease) !== 0;
}

/** `> 11` is 12 and on. */
function isBeyond(version: Version, { version: than, open }: Comparison): boolean {
  if (open === "none" || version.major !== than.major) return compareVersions(version, than) > 0;
  if (open === "minor") return false;
  if (open === "patch") return version.minor > than.minor;
  return compareVersions(version, than) > 0;
}

/** `<= 11` is all of 11. */
function isUpTo(version: Version, { version: than, open }: Comparison): boolean {
  if (open === "none") return compareVersions(version, than) <= 0;
  if (version.major !== than.major) return version.major < than.major;
  return open === "minor" || version.minor <= than.minor;
}

/** `~1.2.3` is `>= 1.2.3, < 1.3`; `~1` is all of 1; `~0.0.0` and `~*` are everything from there on. */
function isNear(version: Version, { version: than, open }: Comparison): boolean {
  if (compareVersions(version, than) < 0) return false;
  const isZero = than.major === 0n && than.minor === 0n && than.patch === 0n;
  if (isZero && (open === "none" || open === "major")) return true;
  if (version.major !== than.major) return false;
  return open === "minor" || version.minor === than.minor;
}

/** `^1.2.3` is `>= 1.2.3, < 2`; `^0.2.3` is `>= 0.2.3, < 0.3`; `^0.0.3` is 0.0.3. */
function isCompatible(version: Version, { version: than, open }: Comparison): boolean {
  if (compareVersions(version, than) < 0) return false;
  if (than.major > 0n || open === "minor") return version.major === than.major;
  if (version.major > 0n) return false;
  if (than.minor > 0n || open === "patch") return version.minor === than.minor;
  if (version.minor > 0n) return false;
  return version.patch === than.patch;
}
