import {
  fieldOf,
  type GoMethod,
  type GoType,
  type GoValue,
  goString,
  type Value,
} from "./go-type.ts";

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
