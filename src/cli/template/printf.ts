import type { GoValue } from "./go-type.ts";
import { unboxed } from "./go-type.ts";
import { formatVerb, printValue, type Verb } from "./verbs.ts";

const DIRECTIVE =
  /%([-+# 0]*)(?:\[(-?\d+)\])?(\*|\d+)?(\.(?:\[(-?\d+)\])?(\*|\d*))?(?:\[(-?\d+)\])?(.?)/gsu;

/** Widths and precisions beyond this are refused. */
const MOST = 1_000_000;

/** Go's fmt.Sprintf, with its notes on arguments that are missing, too many or of the wrong type. */
export function goPrintf(format: string, args: readonly (GoValue | undefined)[]): string {
  const state: State = { args: args.map(unboxed), next: 0, reordered: false };
  const text = format.replace(DIRECTIVE, (...match) => directive(state, match as string[]));
  const extra = state.reordered ? [] : state.args.slice(state.next);
  if (extra.length === 0) return text;
  const told = extra.map((arg) => (arg ? `${arg.type.name}=${printValue(arg)}` : "<nil>"));
  return `${text}%!(EXTRA ${told.join(", ")})`;
}

interface State {
  readonly args: readonly (GoValue | undefined)[];
  next: number;
  reordered: boolean;
}

function directive(state: State, match: readonly string[]): string {
  const [, flags = "", first, width, dot, second, precision = "", third, letter = ""] = match;
  const problems: string[] = [];
  if (Number(width) > MOST || Number(precision) > MOST) return "%!(NOVERB)";
  point(state, first);
  const wide = width === "*" ? starArgument(state, "WIDTH", problems) : number(width);
  point(state, second);
  const precise =
    dot === undefined
      ? undefined
      : precision === "*"
        ? starArgument(state, "PREC", problems)
        : Number(precision);
  const badIndex = !point(state, third);
  const verb: Verb = {
    letter,
    minus: flags.includes("-") || (wide ?? 0) < 0,
    plus: flags.includes("+"),
    sharp: flags.includes("#"),
    space: flags.includes(" "),
    zero: flags.includes("0") && !flags.includes("-"),
    ...(wide !== undefined && { width: Math.abs(wide) }),
    ...(precise !== undefined && precise >= 0 && { precision: precise }),
  };
  return problems.join("") + argument(state, verb, badIndex);
}

function argument(state: State, verb: Verb, badIndex: boolean): string {
  if (verb.letter === "") return "%!(NOVERB)";
  if (verb.letter === "%") return "%";
  if (badIndex) return `%!${verb.letter}(BADINDEX)`;
  if (state.next >= state.args.length) return `%!${verb.letter}(MISSING)`;
  const arg = state.args[state.next];
  state.next += 1;
  return formatVerb(verb, arg);
}

/** Goes to the argument of an index like `[2]`; false where there is none. */
function point(state: State, index: string | undefined): boolean {
  if (index === undefined) return true;
  state.reordered = true;
  const at = Number(index) - 1;
  if (at < 0 || at >= state.args.length) return false;
  state.next = at;
  return true;
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function starArgument(state: State, what: string, problems: string[]): number | undefined {
  const arg = state.args[state.next];
  state.next += 1;
  if (arg?.type.kind === "int" && Math.abs(Number(arg.raw)) <= MOST) return Number(arg.raw);
  problems.push(`%!(BAD${what})`);
  return undefined;
}

/** Go's fmt.Sprint: spaces only between values of which neither is a string. */
export function goPrint(args: readonly (GoValue | undefined)[]): string {
  const values = args.map(unboxed);
  return values
    .map((value, index) => {
      const isText = (one: GoValue | undefined) => one?.type.kind === "string" && !one.type.toText;
      const space = index > 0 && !isText(value) && !isText(values[index - 1]);
      return `${space ? " " : ""}${printValue(value)}`;
    })
    .join("");
}

/** Go's fmt.Sprintln. */
export function goPrintln(args: readonly (GoValue | undefined)[]): string {
  return `${args.map((arg) => printValue(unboxed(arg))).join(" ")}\n`;
}
