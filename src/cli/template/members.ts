import {
  fieldOf,
  type GoMethod,
  type GoType,
  type GoValue,
  goAny,
  goString,
  unboxed,
} from "./go-type.ts";

type Value = GoValue | undefined;

/** A pipeline gives what an `interface {}` holds; other interfaces, like `error`, stay. */
export function withoutAny(value: Value): Value {
  return value?.type === goAny ? unboxed(value) : value;
}

/** The numbers below an int, one by one: they may be many. */
export function* countTo({ type, raw }: GoValue): Iterable<readonly [Value, Value]> {
  for (let at = 0n; at < (raw as bigint); at += 1n)
    yield [
      { type, raw: at },
      { type, raw: at },
    ];
}

/** Whether nil is a value of the type. */
export function canBeNil(type: GoType): boolean {
  return ["slice", "map", "pointer", "interface"].includes(type.kind);
}

/** The method of that name, of the type or of what it points to. */
export function methodOf(type: GoType, name: string): GoMethod | undefined {
  const methods = type.methods ?? (type.kind === "pointer" ? type.element?.methods : undefined);
  return methods && Object.hasOwn(methods, name) ? methods[name] : undefined;
}

/** A struct's field or a map's entry; a map that lacks the key has an entry without value. */
export function memberOf(value: GoValue, name: string): { readonly value: Value } | undefined {
  if (value.type.kind === "map") {
    const raw = (value.raw as ReadonlyMap<string, unknown> | null)?.get(name);
    return { value: raw === undefined ? undefined : { type: value.type.element ?? goString, raw } };
  }
  const field = value.type.kind === "struct" ? fieldOf(value.type, value.raw, name) : undefined;
  return field && { value: field };
}

/** What is wrong with giving arguments to a field or an entry. */
export function hasArguments({ type }: GoValue, name: string): string {
  return type.kind === "map"
    ? `${name} is not a method but has arguments`
    : `${name} has arguments but cannot be invoked as function`;
}
