import { ContentError } from "../../src/core/errors.ts";
import { type JsonNode, JsonNumber, JsonObject } from "../../src/core/json-text.ts";

/**
 * A JSON value in the one form that is signed: no white space, members sorted by UTF-16 code units, numbers and strings
 * as ECMAScript writes them — RFC 8785.
 *
 * @throws {ContentError} `content.bad-json` for a member that occurs twice, or a number that no double holds
 */
export function canonicalJson(node: JsonNode): string {
  if (node instanceof JsonNumber) return canonicalNumber(node.text);
  if (node instanceof JsonObject) return canonicalObject(node);
  if (typeof node === "object" && node !== null) return `[${node.map(canonicalJson).join(",")}]`;
  return JSON.stringify(node);
}

function canonicalObject({ members }: JsonObject): string {
  const byName = new Map<string, JsonNode>();
  for (const { name, value } of members) {
    if (byName.has(name)) throw bad(`Duplicate key: ${name}`);
    byName.set(name, value);
  }
  const names = [...byName.keys()].sort();
  const written = names.map(
    (name) => `${JSON.stringify(name)}:${canonicalJson(byName.get(name) ?? null)}`,
  );
  return `{${written.join(",")}}`;
}

function canonicalNumber(text: string): string {
  const number = Number(text);
  if (!Number.isFinite(number)) throw bad(`number ${text} is out of range`);
  return String(number);
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-json", message);
}
