import { goMap, goString } from "./go-json.ts";
import type { GoType } from "./go-type.ts";
import { type JsonNode, JsonObject } from "./json-text.ts";

/** A slice; null is Go's nil, which is written as null. */
export function goList<T>(item: GoType<T>): GoType<readonly T[] | null> {
  return {
    name: `[]${item.name}`,
    zero: null,
    read(node, current, reading) {
      if (node === null) return null;
      if (Array.isArray(node)) {
        return node.map((each: JsonNode) => item.read(each, item.zero, reading));
      }
      reading.mismatch(node, this.name);
      return current;
    },
    write: (value) => (value === null ? "null" : `[${value.map((v) => item.write(v)).join(",")}]`),
    isEmpty: (value) => value === null || value.length === 0,
  };
}

/** A map with string keys, written sorted; null is nil. */
export function goMapOf<T>(item: GoType<T>): GoType<ReadonlyMap<string, T> | null> {
  return {
    name: `map[string]${item.name}`,
    zero: null,
    read(node, current, reading) {
      if (node === null) return null;
      if (!(node instanceof JsonObject)) {
        reading.mismatch(node, this.name);
        return current;
      }
      const map = new Map(current ?? []);
      for (const { name, value } of node.members) {
        map.set(name, item.read(value, item.zero, reading));
      }
      return map;
    },
    write(value) {
      if (value === null) return "null";
      return goMap(Array.from(value, ([key, each]) => [key, item.write(each)] as const));
    },
    isEmpty: (value) => value === null || value.size === 0,
  };
}

/** A pointer; null is nil, which `omitempty` leaves out. */
export function goPointer<T>(target: GoType<T>): GoType<T | null> {
  return {
    name: `*${target.name}`,
    zero: null,
    read: (node, current, reading) =>
      node === null ? null : target.read(node, current ?? target.zero, reading),
    write: (value) => (value === null ? "null" : target.write(value)),
    isEmpty: (value) => value === null,
  };
}

/** A member of a struct; `omitEmpty` leaves it out where it says nothing. */
export interface GoField<T> {
  readonly type: GoType<T>;
  readonly omitEmpty: boolean;
  /** The struct embedded in the outer one that has it; only error texts show it. */
  readonly embedded?: string;
}

/** A member that is written even where it says nothing. */
export function always<T>(type: GoType<T>): GoField<T> {
  return { type, omitEmpty: false };
}

/** A member with `omitempty`. */
export function omitEmpty<T>(type: GoType<T>): GoField<T> {
  return { type, omitEmpty: true };
}

/** Members that a struct has from one embedded in it. */
export function embedded<F extends Fields>(name: string, fields: F): F {
  const entries = Object.entries(fields).map(([key, field]) => [key, { ...field, embedded: name }]);
  return Object.fromEntries(entries) as F;
}

type Fields = Readonly<Record<string, GoField<unknown>>>;
/** The value that a struct of these members holds. */
export type StructOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends GoField<infer T> ? T : never;
};
/** The values of a struct type. */
export type GoValue<S> = S extends GoType<infer T> ? T : never;

/**
 * A struct: its members are written in this order, and read by name, letter case aside.
 *
 * @param name with its package: `v1.Image`
 */
export function goStruct<const F extends Fields>(name: string, fields: F): GoType<StructOf<F>> {
  const names = Object.keys(fields);
  const shortName = name.slice(name.indexOf(".") + 1);
  const folded = new Map(names.map((field) => [fold(field), field]));
  const fieldFor = (member: string) =>
    Object.hasOwn(fields, member) ? member : folded.get(fold(member));
  const zero = Object.fromEntries(names.map((field) => [field, fields[field]?.type.zero]));
  return {
    name,
    zero: zero as StructOf<F>,
    read(node, current, reading) {
      if (!(node instanceof JsonObject)) {
        if (node !== null) reading.mismatch(node, name);
        return current;
      }
      const struct: Record<string, unknown> = { ...current };
      for (const { name: member, value } of node.members) {
        const field = fieldFor(member);
        if (field === undefined) continue;
        const { type, embedded } = fields[field] as GoField<unknown>;
        const path = embedded === undefined ? [field] : [embedded, field];
        struct[field] = reading.within(shortName, path, () =>
          type.read(value, struct[field], reading),
        );
      }
      return struct as StructOf<F>;
    },
    write(struct) {
      const members = Object.entries(fields)
        .filter(([field, { type, omitEmpty }]) => !(omitEmpty && type.isEmpty(struct[field])))
        .map(([field, { type }]) => `${goString(field)}:${type.write(struct[field])}`);
      return `{${members.join(",")}}`;
    },
    isEmpty: () => false,
  };
}

/** The type for objects that are written again and again: each remembers its text, so none may be changed. */
export function writtenOnce<T extends object>(type: GoType<T>): GoType<T> {
  const texts = new WeakMap<T, string>();
  return {
    ...type,
    write(value) {
      const text = texts.get(value) ?? type.write(value);
      texts.set(value, text);
      return text;
    },
  };
}

/** A name with letter case taken out as Go does it, by Unicode's simple folding. */
export function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
