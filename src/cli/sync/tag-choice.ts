import { parseConstraint } from "../../sync/selection/constraint.ts";
import { parsePattern } from "../../sync/selection/re2.ts";
import { parseVersion } from "../../sync/selection/version.ts";

/** How tags are chosen by an expression; loaded where there is one. */
export interface TagChoice {
  /** Unanchored RE2. @throws {PatternError} in Go's words */
  byRegex(pattern: string): (tag: string) => boolean;
  /** Masterminds/semver v3; a tag that is no version is not taken. @throws {ConstraintError} in its words */
  bySemver(constraint: string): (tag: string) => boolean;
}

/** The choice by the expressions of a mirror. */
export const tagChoice: TagChoice = {
  byRegex(pattern) {
    const regex = parsePattern(pattern);
    return (tag) => regex.isIn(tag);
  },
  bySemver(constraint) {
    const fits = parseConstraint(constraint);
    return (tag) => {
      const version = parseVersion(tag);
      return version !== undefined && fits(version);
    };
  },
};
