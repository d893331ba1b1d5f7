import { RE2JS, RE2JSException } from "re2js";
import { KnownError } from "../../core/errors.ts";

/** A pattern that RE2 does not take. */
export class PatternError extends KnownError<"usage.bad-pattern"> {}

/** A regular expression of RE2: time linear in what it is asked about. */
export interface Pattern {
  /** Whether it is found anywhere in `text`. */
  isIn(text: string): boolean;
  /** `text` with every match replaced; `$1`, `$<name>` and `$&` stand for what was found, `$$` for a dollar. */
  replaceIn(text: string, by: string): string;
}

const maxLength = 4096;

/** @throws {PatternError} */
export function parsePattern(source: string): Pattern {
  if (source.length > maxLength)
    throw new PatternError("usage.bad-pattern", `a pattern of more than ${maxLength} characters`);
  const compiled = compile(source);
  return {
    isIn: (text) => compiled.matcher(text).find(),
    replaceIn: (text, by) => compiled.matcher(text).replaceAll(by),
  };
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    throw new PatternError("usage.bad-pattern", cause.message, { cause });
  }
}
