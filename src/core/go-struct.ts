import { ContentError } from "./errors.ts";
import { goMap, goString } from "./go-json.ts";
import { isUnwritableTime, readTime, zeroTime } from "./go-time.ts";
import { type JsonNode, JsonNumber, JsonObject } from "./json-text.ts";

/**
 * A Go type as encoding/json reads and writes it. Documents go through these so that what is written is, byte for byte,
 * what the Go tools write.
 *
 * `read` works upon a value that is there already, because Go does: a member that occurs twice is read over the first,
 * `null` changes nothing but pointers, lists and maps.
 */
export interface GoType<T> {
  readonly name: string;
  readonly zero: T;
  read(node: JsonNode, current: T, reading: Reading): T;
  write(value: T): string;
  /** What `omitempty` leaves out. */
  isEmpty(value: T): boolean;
}

/** One document being read: where we are, and the first thing that did not fit. */
export class Reading {
  readonly #path: string[] = [];
  #struct = "";
  failure: string | undefined;

  /** Notes that `node`, or of a number its very text, is not of the Go type called `type`. */
  mismatch(node: JsonNode, type: string, number?: string): void {
    const what = number === undefined ? describe(node) : `number ${number}`;
    const field = `struct field ${this.#struct}.${this.#path.join(".")}`;
    const target = this.#struct === "" ? "value" : field;
    this.fail(`json: cannot unmarshal ${what} into Go ${target} of type ${type}`);
  }

  fail(message: string): void {
    this.failure ??= message;
  }

  /** Reads a member of a struct. Messages name the innermost struct, and the members from the outermost one down. */
  within<T>(struct: string, path: readonly string[], read: () => T): T {
    const outer = this.#struct;
    this.#struct = struct;
    this.#path.push(...path);
    const value = read();
    this.#path.length -= path.length;
    this.#struct = outer;
    return value;
  }
}

/**
 * `node` as a value of `type`.
 *
 * @throws {ContentError} `code`, with Go's text
 */
export function readAs<T>(
  type: GoType<T>,
  node: JsonNode,
  code: "content.bad-manifest" | "content.bad-config",
): T {
  const reading = new Reading();
  const value = type.read(node, type.zero, reading);
  if (reading.failure !== undefined) throw new ContentError(code, reading.failure);
  return value;
}

function describe(node: JsonNode): string {
  if (node === null) return "null";
  if (node instanceof JsonNumber) return "number";
  if (node instanceof JsonObject) return "object";
  if (typeof node === "boolean") return "bool";
  return typeof node === "string" ? "string" : "array";
}

export const goText: GoType<string> = {
  name: "string",
  zero: "",
  read(node, current, reading) {
    if (typeof node === "string") return node;
    if (node !== null) reading.mismatch(node, this.name);
    return current;
  },
  write: (value) => goString(value),
  isEmpty: (value) => value === "",
};

/** A string type of its own name, which only error texts show. */
export function namedText(name: string): GoType<string> {
  return { ...goText, name };
}

export const goBool: GoType<boolean> = {
  name: "bool",
  zero: false,
  read(node, current, reading) {
    if (typeof node === "boolean") return node;
    if (node !== null) reading.mismatch(node, this.name);
    return current;
  },
  write: String,
  isEmpty: (value) => !value,
};

const int64Bounds = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** int64, exact. */
export const goInt: GoType<bigint> = {
  name: "int64",
  zero: 0n,
  read(node, current, reading) {
    if (node === null) return current;
    if (!(node instanceof JsonNumber)) {
      reading.mismatch(node, this.name);
      return current;
    }
    const value = /^-?\d{1,19}$/.test(node.text) ? BigInt(node.text) : undefined;
    if (value !== undefined && value >= int64Bounds[0] && value <= int64Bounds[1]) return value;
    reading.mismatch(node, this.name, node.text);
    return current;
  },
  write: String,
  isEmpty: (value) => value === 0n,
};

/** An integer type of its own name, which only error texts show. */
export function namedInt(name: string): GoType<bigint> {
  return { ...goInt, name };
}

/** time.Time, as the text that Go writes. */
export const goTime: GoType<string> = {
  name: "time.Time",
  zero: zeroTime,
  read(node, current, reading) {
    if (node === null) return current;
    if (typeof node !== "string") {
      reading.fail("Time.UnmarshalJSON: input is not a JSON string");
      return current;
    }
    const read = readTime(node);
    if ("time" in read) return read.time;
    reading.fail(read.failure);
    return current;
  },
  write(value) {
    if (!isUnwritableTime(value)) return goString(value);
    throw new ContentError(
      "content.bad-config",
      "json: error calling MarshalJSON for type *time.Time: Time.MarshalJSON: timezone hour outside of range [0,23]",
    );
  },
  isEmpty: () => false,
};

/** []byte: base64 in JSON, kept as canonical base64. */
export const goBytes: GoType<string | null> = {
  name: "[]uint8",
  zero: null,
  read(node, current, reading) {
    if (node === null) return null;
    if (typeof node !== "string") {
      reading.mismatch(node, this.name);
      return current;
    }
    const text = node.replace(/[\r\n]/g, "");
    if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
      return Buffer.from(text, "base64").toString("base64");
    }
    reading.fail("illegal base64 data");
    return current;
  },
  write: (value) => (value === null ? "null" : goString(value)),
  isEmpty: (value) => value === null || value === "",
};

/** struct{}: the values of a map that is used as a set. */
export const goUnit: GoType<true> = {
  name: "struct {}",
  zero: true,
  read(node, current, reading) {
    if (node !== null && !(node instanceof JsonObject)) reading.mismatch(node, this.name);
    return current;
  },
  write: () => "{}",
  isEmpty: () => false,
};

/** interface{}: whatever is there. It is read only to see that something is. */
export const goAny: GoType<JsonNode> = {
  name: "interface {}",
  zero: null,
  read: (node) => node,
  write: () => {
    throw new TypeError("An untyped value is not written");
  },
  isEmpty: (value) => value === null,
};

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

export function always<T>(type: GoType<T>): GoField<T> {
  return { type, omitEmpty: false };
}

export function omitEmpty<T>(type: GoType<T>): GoField<T> {
  return { type, omitEmpty: true };
}

/** Members that a struct has from one embedded in it. */
export function embedded<F extends Fields>(name: string, fields: F): F {
  const entries = Object.entries(fields).map(([key, field]) => [key, { ...field, embedded: name }]);
  return Object.fromEntries(entries) as F;
}

type Fields = Readonly<Record<string, GoField<unknown>>>;
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

/** A name with letter case taken out as Go does it, by Unicode's simple folding. */
export function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
