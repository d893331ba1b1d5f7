import type { Parameter } from "./function.ts";
import {
  type GoType,
  type GoValue,
  goAny,
  goBool,
  goComplex,
  goFloat,
  goInt,
  text,
  unboxed,
  type Value,
} from "./go-type.ts";
import { type Constant, type Operand, printNode } from "./nodes.ts";
import type { Place } from "./place.ts";

/** A word that stands for itself. */
export type Literal = Extract<Operand, { readonly type: "bool" | "number" | "string" }>;

/**
 * What a literal is where nothing says what it is for.
 *
 * @throws {TemplateError} where a number is too large
 */
export function literal(word: Literal, place: Place): GoValue {
  switch (word.type) {
    case "bool":
      return { type: goBool, raw: word.value };
    case "number":
      return number(word.constant, word.text, place);
    case "string":
      return text(word.value);
  }
}

function number(
  { ideal, int: whole, float, complex }: Constant,
  written: string,
  place: Place,
): GoValue {
  if (ideal === "complex") return { type: goComplex, raw: complex };
  if (ideal === "float") return { type: goFloat, raw: float };
  if (whole === undefined || BigInt.asIntN(64, whole) !== whole)
    throw place.error(`${written} overflows int`);
  return { type: goInt, raw: whole };
}

/**
 * A literal as a function takes it.
 *
 * @throws {TemplateError} where it does not
 */
export function literalFor(parameter: Parameter, word: Literal, place: Place): GoValue {
  if (parameter === "value" || parameter === goAny) return literal(word, place);
  const wrong = (wanted: string) => place.error(`expected ${wanted}; found ${printNode(word)}`);
  switch (parameter.kind) {
    case "bool":
      if (word.type !== "bool") throw wrong("bool");
      return { type: parameter, raw: word.value };
    case "string":
      if (word.type !== "string") throw wrong("string");
      return { type: parameter, raw: word.value };
    case "int":
      if (word.type !== "number" || word.constant.int === undefined) throw wrong("integer");
      return { type: parameter, raw: word.constant.int };
    default:
      throw place.error(`can't handle ${printNode(word)} for arg of type ${parameter.name}`);
  }
}

/**
 * The word `nil` as a function takes it.
 *
 * @throws {TemplateError} where it does not
 */
export function nilFor(parameter: Parameter, place: Place): undefined {
  if (parameter === "value" || canBeNil(parameter)) return undefined;
  throw place.error(`cannot assign nil to ${parameter.name}`);
}

/**
 * A value as a function takes it: as it is, or what it points to.
 *
 * @throws {TemplateError} where it does not
 */
export function valueFor(parameter: Parameter, value: Value, place: Place): Value {
  if (parameter === "value" || parameter === goAny) return value;
  if (!value) {
    if (canBeNil(parameter)) return undefined;
    throw place.error(`invalid value; expected ${parameter.name}`);
  }
  const inner = unboxed(value);
  if (inner?.type.name === parameter.name) return inner;
  if (inner?.type.element?.name === parameter.name && inner.type.kind === "pointer")
    return { type: parameter, raw: inner.raw };
  throw place.error(
    `wrong type for value; expected ${parameter.name}; got ${(inner ?? value).type.name}`,
  );
}

function canBeNil(type: GoType): boolean {
  return ["slice", "map", "pointer", "interface"].includes(type.kind);
}
