import { RE2JS } from "re2js";
import { UsageError } from "../../core/errors.ts";

/** How tags are chosen by an expression; loaded where there is one. */
export interface TagChoice {
  /** Unanchored RE2. @throws {UsageError} `usage.bad-flag` where it is none, in Go's words */
  byRegex(pattern: string): (tag: string) => boolean;
  /** Masterminds/semver v3; a tag that is no version is not taken. @throws {KnownError} where it is none, in its words */
  bySemver(constraint: string): (tag: string) => boolean;
}

/** The choice by the expressions of a mirror. */
export const tagChoice: TagChoice = {
  byRegex(pattern) {
    try {
      const regex = RE2JS.compile(pattern);
      return (tag) => regex.matcher(tag).find();
    } catch (error) {
      throw new UsageError("usage.bad-flag", (error as Error).message, { cause: error });
    }
  },
  bySemver(constraint) {
    throw new UsageError("usage.bad-flag", `improper constraint: ${constraint}`);
  },
};
