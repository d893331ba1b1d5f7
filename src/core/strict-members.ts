import { ContentError } from "./errors.ts";
import { goQuote } from "./go-quote.ts";
import { type JsonNode, JsonNumber, JsonObject } from "./json-text.ts";

/** Makes a value of one JSON member. @throws {ContentError} where it is not of its kind */
export type Reader<T> = (value: JsonNode) => T;

type Readers = Readonly<Record<string, Reader<unknown>>>;

type Members<R extends Readers> = { readonly [K in keyof R]: ReturnType<R[K]> };

/**
 * Hands each member of the object `node` to `read`, in the order written. Strict (`specs` signing.md 0.3): a second
 * member of a name, and one that `read` answers false for, is an error; the first fault in the text is the one told.
 *
 * @throws {ContentError} `content.bad-json`, in the reference's words
 */
export function visitMembers(
  node: JsonNode,
  read: (name: string, value: JsonNode) => boolean,
): void {
  if (!(node instanceof JsonObject)) {
    throw badMember(`JSON object expected, got ${goSyntax(node)}`);
  }
  const seen = new Set<string>();
  for (const { name, value } of node.members) {
    if (seen.has(name)) throw badMember(`Duplicate key ${goQuote(name)}`);
    seen.add(name);
    if (!read(name, value)) throw badMember(`Unknown key ${goQuote(name)}`);
  }
}

/**
 * The members of an object that may have each of those that `readers` names and no other. Absent ones are absent;
 * whether one is there at all is `Object.hasOwn(members, name)`.
 *
 * @throws {ContentError} `content.bad-json`, in the reference's words
 */
export function readMembers<R extends Readers>(node: JsonNode, readers: R): Partial<Members<R>> {
  const members: Record<string, unknown> = {};
  visitMembers(node, (name, value) => {
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (!reader) return false;
    members[name] = reader(value);
    return true;
  });
  return members as Partial<Members<R>>;
}

/**
 * The members of an object that must have each of those that `readers` names, once, and no other.
 *
 * @throws {ContentError} `content.bad-json`, in the reference's words
 */
export function readExactMembers<R extends Readers>(node: JsonNode, readers: R): Members<R> {
  const members = readMembers(node, readers);
  for (const name of Object.keys(readers)) {
    if (!Object.hasOwn(members, name)) {
      throw badMember(`Key ${goQuote(name)} missing in a JSON object`);
    }
  }
  return members as Members<R>;
}

/** The fault of a member, as an error. */
export function badMember(message: string): ContentError {
  return new ContentError("content.bad-json", message);
}

/** What Go says where a JSON value of another kind stands than the type `goType` takes. */
export function cannotUnmarshal(value: JsonNode, goType: string): ContentError {
  return badMember(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${goType}`);
}

/** Go's word for the kind of a JSON value. */
export function kindOf(value: JsonNode): string {
  if (value === null) return "null";
  if (value instanceof JsonObject) return "object";
  if (value instanceof JsonNumber) return "number";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "array";
}

/** A value as Go's `%#v` shows a token of it: an array by the code of its bracket. */
function goSyntax(value: JsonNode): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return goQuote(value);
  if (typeof value === "boolean") return String(value);
  return value instanceof JsonNumber ? goFloat(Number(value.text)) : "91";
}

/** A double as Go's `%v`: with an exponent from a million on, and below a ten-thousandth. */
function goFloat(value: number): string {
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (exponent >= -4 && exponent < 21) return plain(value);
  const sign = exponent < 0 ? "-" : "+";
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function plain(value: number): string {
  return String(value);
}
