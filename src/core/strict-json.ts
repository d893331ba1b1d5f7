import { ContentError } from "./errors.ts";
import { type JsonNode, JsonNumber, JsonObject, parseJsonText } from "./json-text.ts";
import { decodeUtf8 } from "./utf8.ts";

/** JSON of which every object has each member once. Maps, so that no member name is special. */
export type JsonValue = null | boolean | number | string | JsonValue[] | Map<string, JsonValue>;

/**
 * Parses JSON strictly: no duplicate members (compared after unescaping), nothing behind the value, no number that a
 * double cannot hold (`specs` signing.md 0.3).
 *
 * @param options `maxDepth`: how deep arrays and objects may be nested
 * @throws {ContentError} `content.bad-json`
 */
export function parseStrictJson(
  bytes: Uint8Array,
  options: { readonly maxDepth: number },
): JsonValue {
  return toStrict(parseJsonText(decodeUtf8(bytes), options));
}

/**
 * What {@link parseStrictJson} makes of a value that was parsed already.
 *
 * @throws {ContentError} `content.bad-json`
 */
export function toStrict(node: JsonNode): JsonValue {
  if (node instanceof JsonNumber) return finite(node.text);
  if (node instanceof JsonObject) return strictMembers(node);
  return typeof node === "object" && node !== null ? node.map(toStrict) : node;
}

function strictMembers(node: JsonObject): Map<string, JsonValue> {
  const members = new Map<string, JsonValue>();
  for (const { name, value } of node.members) {
    if (members.has(name)) throw bad(`Duplicate key ${JSON.stringify(name)}`);
    members.set(name, toStrict(value));
  }
  return members;
}

function finite(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number)) return number;
  throw bad(`json: cannot unmarshal number ${text} into Go value of type float64`);
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-json", message);
}
