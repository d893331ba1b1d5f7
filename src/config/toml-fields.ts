import { ConfigError } from "./errors.ts";

/** A TOML document or table as a parser gives it. */
export interface TomlTable {
  readonly [key: string]: unknown;
}

/** A member has another type than the format says. `line` is not known here: whoever holds the text adds it. */
export class TomlTypeError extends ConfigError {
  /** The member's path: `registry.mirror.location`. */
  readonly key: string;

  constructor(key: string, value: unknown, wanted: string) {
    const text = `incompatible types: TOML value has type ${typeName(value)}; destination has type ${wanted}`;
    super("config.invalid", text);
    this.key = key;
  }
}

/** One table and its place in the document, read member by member with the types the format says. */
export class TomlFields {
  readonly #table: TomlTable;
  readonly #path: string;
  /** What was asked for, and the tables in it that are read member by member in their turn. */
  readonly #read = new Map<string, readonly TomlFields[]>();

  constructor(table: TomlTable, path = "") {
    this.#table = table;
    this.#path = path;
  }

  /** The string; "" where absent. */
  string(name: string): string {
    return this.#get(name, "string", isString) ?? "";
  }

  /** A string, or a number or truth value as text, where formats differ in what they are; "" where absent. */
  text(name: string): string {
    return String(this.#get(name, "string", isScalar) ?? "");
  }

  /** A whole number; undefined where absent. */
  integer(name: string): number | bigint | undefined {
    return this.#get(name, "integer", isInteger);
  }

  /** False where absent. */
  boolean(name: string): boolean {
    return this.#get(name, "boolean", isBoolean) ?? false;
  }

  /** Undefined where absent, which is not the same as an empty list: only a list that is there replaces another's. */
  strings(name: string): readonly string[] | undefined {
    const list = this.#get(name, "slice", isArray);
    for (const item of list ?? []) {
      if (!isString(item)) throw new TomlTypeError(this.#pathOf(name), item, "string");
    }
    return list as readonly string[] | undefined;
  }

  table(name: string): TomlFields | undefined {
    const table = this.#get(name, "struct", isTable);
    if (table === undefined) return undefined;
    const fields = new TomlFields(table, this.#pathOf(name));
    this.#read.set(this.#keyOf(name) ?? name, [fields]);
    return fields;
  }

  /**
   * The paths of all that nobody has asked for, in the document's order, written and listed as the reference's decoder does:
   * a table that has members of its own is named before them.
   */
  unread(): readonly string[] {
    return Object.entries(this.#table).flatMap(([key, value]) => {
      const inside = this.#read.get(key);
      if (inside) return inside.flatMap((fields) => fields.unread());
      return pathsOf(this.#pathOf(quotedKey(key)), value);
    });
  }

  /** An array of tables, `[[name]]`; undefined where absent. */
  tables(name: string): readonly TomlFields[] | undefined {
    const path = this.#pathOf(name);
    return this.#get(name, "slice", isArray)?.map((item) => {
      if (!isTable(item)) throw new TomlTypeError(path, item, "struct");
      return new TomlFields(item, path);
    });
  }

  /** A table whose keys are the user's own. */
  stringMap(name: string): ReadonlyMap<string, string> | undefined {
    const table = this.#get(name, "map", isTable);
    if (table === undefined) return undefined;
    const map = new Map<string, string>();
    for (const [key, value] of Object.entries(table)) {
      if (!isString(value))
        throw new TomlTypeError(`${this.#pathOf(name)}.${key}`, value, "string");
      map.set(key, value);
    }
    return map;
  }

  /** Member names match whatever their case, an exact one first: the reference's decoder does so. */
  #get<T>(name: string, wanted: string, is: (value: unknown) => value is T): T | undefined {
    const key = this.#keyOf(name);
    if (key === undefined) return undefined;
    this.#read.set(key, []);
    const value = this.#table[key];
    if (!is(value)) throw new TomlTypeError(this.#pathOf(key), value, wanted);
    return value;
  }

  #keyOf(name: string): string | undefined {
    if (Object.hasOwn(this.#table, name)) return name;
    return Object.keys(this.#table).find((each) => each.toLowerCase() === name);
  }

  #pathOf(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

function pathsOf(path: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.every(isTable))
    return value.flatMap((item) => pathsOf(path, item));
  if (!isTable(value)) return [path];
  const members = Object.entries(value);
  const isNamed = members.length === 0 || members.some(([, member]) => !isTable(member));
  const inside = members.flatMap(([key, member]) => pathsOf(`${path}.${quotedKey(key)}`, member));
  return isNamed ? [path, ...inside] : inside;
}

/** A key as it is written in a document. */
function quotedKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : `"${key.replace(/["\\]/g, "\\$&")}"`;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isScalar(value: unknown): value is string | number | bigint | boolean {
  return ["string", "number", "bigint", "boolean"].includes(typeof value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === "bigint" || Number.isInteger(value);
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isTable(value: unknown): value is TomlTable {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** The reference decoder's names of TOML's types. */
function typeName(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (value instanceof Date) return "time.Time";
  return Array.isArray(value) ? "[]any" : "map[string]any";
}
