import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import type { NameRule } from "../mirror.ts";

/** Whether a name is meant. */
export type TakesName = (name: string) => boolean;

/**
 * Whether any of the rules takes a name; no rules take none. RE2 is loaded where a rule is written in it.
 *
 * @throws {PatternError} for an expression that RE2 does not take
 * @throws {RepositoryPatternError} for a glob that nobody can mean
 */
export async function compileNameRules(rules: readonly NameRule[]): Promise<TakesName> {
  const literals = new Set(rules.flatMap((rule) => (rule.kind === "literal" ? [rule.name] : [])));
  const tests = await Promise.all(
    rules.flatMap((rule) => (rule.kind === "literal" ? [] : [compilePattern(rule)])),
  );
  return (name) => literals.has(name) || tests.some((takes) => takes(name));
}

async function compilePattern(
  rule: Extract<NameRule, { readonly pattern: string }>,
): Promise<TakesName> {
  if (rule.kind === "glob") {
    const { matches } = parseRepositoryPattern(rule.pattern);
    return matches;
  }
  const { parsePattern } = await import("./re2.ts");
  const { isIn } = parsePattern(rule.pattern);
  return isIn;
}
