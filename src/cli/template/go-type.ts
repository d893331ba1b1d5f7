/**
 * Go values as templates see them: a value and its Go type. Plain JavaScript stands for the value itself: bigint for
 * ints, number for floats, arrays, Maps and null for slices and maps, records by `key` for structs, RFC 3339 text for
 * time.Time, null for nil pointers, and a {@link GoValue} inside an interface.
 */
export interface GoType {
  /** As `%T` prints it. */
  readonly name: string;
  readonly kind:
    | "bool"
    | "int"
    | "float"
    | "complex"
    | "string"
    | "slice"
    | "map"
    | "struct"
    | "pointer"
    | "interface";
  /** Of slices, maps and pointers. */
  readonly element?: GoType;
  readonly fields?: readonly GoField[];
  readonly methods?: Readonly<Record<string, GoMethod>>;
  /** What its String method says. */
  readonly toText?: (raw: unknown) => string;
}

/** A member of a struct. */
export interface GoField {
  readonly name: string;
  readonly type: GoType;
  /** Name in JSON and in the record. */
  readonly key: string;
  readonly omitEmpty?: true;
  /** Its members are the outer struct's too, in the same record. */
  readonly embedded?: true;
}

/** A method; `raw` is the receiver's value. */
export interface GoMethod {
  readonly parameters: readonly GoType[];
  readonly call: (raw: unknown, args: readonly GoValue[]) => GoValue;
}

/** A value and its type. */
export interface GoValue {
  readonly type: GoType;
  readonly raw: unknown;
}

/** What an expression gives: undefined where that is nothing, as an entry that a map lacks. */
export type Value = GoValue | undefined;

/** `bool`. */
export const goBool: GoType = { name: "bool", kind: "bool" };
/** `int`. */
export const goInt: GoType = { name: "int", kind: "int" };
/** `int64`. */
export const goInt64: GoType = { name: "int64", kind: "int" };
/** `float64`. */
export const goFloat: GoType = { name: "float64", kind: "float" };
/** `complex128`, as real and imaginary part. */
export const goComplex: GoType = { name: "complex128", kind: "complex" };
/** `string`. */
export const goString: GoType = { name: "string", kind: "string" };
/** `interface {}`: anything, or nil. */
export const goAny: GoType = { name: "interface {}", kind: "interface" };
/** `error`, of which only nil occurs. */
export const goError: GoType = { name: "error", kind: "interface" };

/** The type `[]T`. */
export function sliceOf(element: GoType): GoType {
  return { name: `[]${element.name}`, kind: "slice", element };
}

/** The type `map[string]T`. */
export function mapOf(element: GoType): GoType {
  return { name: `map[string]${element.name}`, kind: "map", element };
}

/** The type `*T`. */
export function pointerTo(element: GoType): GoType {
  return { name: `*${element.name}`, kind: "pointer", element };
}

/** `[]string`. */
export const goStrings = sliceOf(goString);
/** `map[string]string`. */
export const goStringMap = mapOf(goString);

/** A Go string. */
export function text(raw: string): GoValue {
  return { type: goString, raw };
}

/** A Go int. */
export function int(raw: number | bigint): GoValue {
  return { type: goInt, raw: BigInt(raw) };
}

/** A Go bool. */
export function bool(raw: boolean): GoValue {
  return { type: goBool, raw };
}

/** What an interface holds; undefined for nil. Other values are given as they are. */
export function unboxed(value: GoValue | undefined): GoValue | undefined {
  if (value?.type.kind !== "interface") return value;
  return (value.raw ?? undefined) as GoValue | undefined;
}

/** Follows pointers and interfaces to the thing itself; stops at nil. */
export function indirect(value: GoValue): { readonly value: GoValue; readonly isNil: boolean } {
  let at = value;
  while (at.type.kind === "pointer" || at.type.kind === "interface") {
    if (at.raw === null || at.raw === undefined) return { value: at, isNil: true };
    at =
      at.type.kind === "interface"
        ? (at.raw as GoValue)
        : { type: at.type.element as GoType, raw: at.raw };
  }
  return { value: at, isNil: false };
}

/** A struct's field, also where it stands in an embedded struct. */
export function fieldOf(type: GoType, raw: unknown, name: string): GoValue | undefined {
  for (const field of type.fields ?? []) {
    if (field.name === name) return fieldValue(field, raw);
    const inner = field.embedded && fieldOf(field.type, raw, name);
    if (inner) return inner;
  }
  return undefined;
}

/** The value of a field in a struct's record. */
export function fieldValue(field: GoField, raw: unknown): GoValue {
  const value = field.embedded ? raw : (raw as Record<string, unknown>)[field.key];
  return { type: field.type, raw: value };
}

/** The items of a slice; none of nil. */
export function itemsOf({ type, raw }: GoValue): readonly GoValue[] {
  const element = type.element as GoType;
  return ((raw ?? []) as readonly unknown[]).map((item) => ({ type: element, raw: item }));
}

/** The entries of a map in the order of their keys; none of nil. */
export function entriesOf({ type, raw }: GoValue): readonly (readonly [string, GoValue])[] {
  const element = type.element as GoType;
  const entries = Array.from((raw ?? new Map()) as ReadonlyMap<string, unknown>);
  return entries
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, item]) => [key, { type: element, raw: item }] as const);
}

/** Whether `if` takes it for true. */
export function isTrue(value: GoValue | undefined): boolean {
  if (!value) return false;
  const { type, raw } = value;
  switch (type.kind) {
    case "slice":
      return itemsOf(value).length > 0;
    case "map":
      return entriesOf(value).length > 0;
    case "struct":
      return true;
    case "interface":
    case "pointer":
      return raw !== null && raw !== undefined;
    default:
      return Boolean(raw);
  }
}
