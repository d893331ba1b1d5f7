import { KnownError } from "../../core/errors.ts";
import { parseVersion, type Version } from "./version.ts";

/** A constraint that is none. */
export class ConstraintError extends KnownError<"usage.bad-constraint"> {}

/** One comparison with a version. */
export interface Comparison {
  readonly operator: Operator;
  /** What is compared with; 0 for every part that is open. */
  readonly version: Version;
  /** The first part that is open, as `1.x` or `1` leave the minor: nothing to compare from there on. */
  readonly open: "major" | "minor" | "patch" | "none";
}

/** `=>` is `>=`, `=<` is `<=`, `~>` is `~`; "" and `=` mean the same. */
export type Operator = "=" | "!=" | ">" | "<" | ">=" | "<=" | "~" | "^";

// constraint = range *( "||" range )
// range      = item *( separator item )          separator: blanks, or a comma with blanks around it
// item       = [ operator ] blanks version       version as version.ts has it, parts of which may be "x", "X" or "*"
// `A - B` is `>= A, <= B`; it has blanks on both sides of the dash.

const part = "[0-9|xX*]+"; // the bar too, by a slip of the original's
const words = String.raw`[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*`;
const partial = String.raw`v?(${part})(\.${part})?(\.${part})?(?:-(${words}))?(?:\+(?:${words}))?`;
const blank = String.raw`[\t\n\f\r ]`; // as Go has it
const itemForm = new RegExp(`${blank}*(!=|>=|=>|<=|=<|~>|[=<>~^]|)${blank}*(${partial})`, "y");
const separatorForm = new RegExp(`${blank}*,|${blank}+`, "y");
const endForm = new RegExp(`${blank}*$`, "y");
const spanForm = new RegExp(
  `${blank}*(?<![0-9A-Za-z|*.+-])(${partial})${blank}+-${blank}+(${partial})${blank}*`,
  "g",
);
const maxLength = 1024;

const operators: Readonly<Record<string, Operator>> = {
  "": "=",
  "=>": ">=",
  "=<": "<=",
  "~>": "~",
};

/**
 * The alternatives of a constraint, each of which asks for all of its comparisons.
 *
 * @throws {ConstraintError}
 */
export function parseConstraintText(text: string): readonly (readonly Comparison[])[] {
  if (text.length > maxLength) throw improper(`${text.slice(0, 40)}…`);
  return withoutSpans(text).split("||").map(parseRange);
}

function withoutSpans(text: string): string {
  return text.replaceAll(spanForm, (_span, from: string, ...groups: readonly string[]) => {
    const to = groups[4];
    return `>= ${from}, <= ${to} `;
  });
}

function parseRange(text: string): readonly Comparison[] {
  const found: Comparison[] = [];
  for (let at = 0; ; ) {
    const item = matchAt(itemForm, text, at);
    if (!item) throw improper(text);
    found.push(parseComparison(item));
    at += item[0].length;
    if (matchAt(endForm, text, at)) return found;
    const separator = matchAt(separatorForm, text, at);
    if (!separator) throw improper(text);
    at += separator[0].length;
  }
}

function parseComparison(item: RegExpExecArray): Comparison {
  const [, operator = "", , major = "", minor = "", patch = "", prerelease] = item;
  const parts = [major, minor.slice(1), patch.slice(1)];
  const firstOpen = parts.findIndex(isOpen);
  const kept = firstOpen < 0 ? parts : parts.slice(0, firstOpen);
  const release = [...kept, "0", "0", "0"].slice(0, 3).join(".");
  const version = parseVersion(prerelease === undefined ? release : `${release}-${prerelease}`);
  if (!version) throw new ConstraintError("usage.bad-constraint", "constraint parser error");
  const open = (["major", "minor", "patch"] as const)[firstOpen] ?? "none";
  return { operator: operators[operator] ?? (operator as Operator), version, open };
}

function isOpen(text: string): boolean {
  return text === "" || text === "x" || text === "X" || text === "*";
}

function matchAt(form: RegExp, text: string, at: number): RegExpExecArray | null {
  form.lastIndex = at;
  return form.exec(text);
}

function improper(text: string): ConstraintError {
  return new ConstraintError("usage.bad-constraint", `improper constraint: ${text}`);
}
