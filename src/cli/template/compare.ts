import { FunctionError, type GoFunction } from "./function.ts";
import { bool, type GoValue, unboxed } from "./go-type.ts";
import { printValue } from "./verbs.ts";

type Kind = "bool" | "int" | "float" | "complex" | "string";

/** The kinds that `<` orders, and `==` compares by value. */
function basicKind(value: GoValue): Kind | undefined {
  const { kind } = value.type;
  return kind === "bool" ||
    kind === "int" ||
    kind === "float" ||
    kind === "complex" ||
    kind === "string"
    ? kind
    : undefined;
}

function incompatible(a: GoValue, b: GoValue): FunctionError {
  return new FunctionError(`incompatible types for comparison: ${a.type.name} and ${b.type.name}`);
}

function notComparable(value: GoValue): FunctionError {
  return new FunctionError(`non-comparable type ${printValue(value)}: ${value.type.name}`);
}

function isComparable({ type }: GoValue): boolean {
  return type.kind !== "slice" && type.kind !== "map";
}

function equal(first: GoValue | undefined, others: readonly (GoValue | undefined)[]): boolean {
  const a = unboxed(first);
  if (a && !isComparable(a)) throw notComparable(a);
  if (others.length === 0) throw new FunctionError("missing argument for comparison");
  return others.map(unboxed).some((b) => equalTo(a, b));
}

function equalTo(a: GoValue | undefined, b: GoValue | undefined): boolean {
  if (!a || !b) return a === b;
  const kinds = [basicKind(a), basicKind(b)];
  if (kinds[0] !== kinds[1]) throw incompatible(a, b);
  if (kinds[0] === "complex") return String(a.raw) === String(b.raw);
  if (kinds[0] !== undefined) return a.raw === b.raw;
  if (!isComparable(b)) throw notComparable(b);
  if (a.type.name !== b.type.name) throw incompatible(a, b);
  return a.raw === b.raw;
}

function less(first: GoValue | undefined, second: GoValue | undefined): boolean {
  const a = unboxed(first);
  const b = unboxed(second);
  if (!a || !b) throw new FunctionError("invalid type for comparison");
  const kind = basicKind(a);
  if (kind === undefined || basicKind(b) === undefined)
    throw new FunctionError("invalid type for comparison");
  if (kind !== basicKind(b)) throw incompatible(a, b);
  if (kind === "bool" || kind === "complex") throw new FunctionError("invalid type for comparison");
  if (kind === "string")
    return Buffer.compare(Buffer.from(String(a.raw)), Buffer.from(String(b.raw))) < 0;
  return (a.raw as number) < (b.raw as number);
}

function ofTwo(decide: (a: GoValue | undefined, b: GoValue | undefined) => boolean): GoFunction {
  return { parameters: ["value", "value"], call: ([a, b]) => bool(decide(a, b)) };
}

/** eq, ne, lt, le, gt and ge. */
export const comparisons: Readonly<Record<string, GoFunction>> = {
  eq: {
    parameters: ["value"],
    rest: "value",
    call: ([first, ...others]) => bool(equal(first, others)),
  },
  ne: ofTwo((a, b) => !equal(a, [b])),
  lt: ofTwo(less),
  le: ofTwo((a, b) => less(a, b) || equal(a, [b])),
  gt: ofTwo((a, b) => !less(a, b) && !equal(a, [b])),
  ge: ofTwo((a, b) => !less(a, b)),
};
