import { type JsonNode, JsonObject } from "../src/core/json-text.ts";
import { badMember, cannotUnmarshal, kindOf } from "../src/core/strict-members.ts";

/** Go's names of the struct and of its `type`, which its texts show. */
interface GoNames {
  readonly struct: string;
  readonly identifier: string;
}

/**
 * What an object says of its own kind. As Go reads it before anything else: letter case does not matter and the last
 * one counts. The strict reading that follows refuses what this lets pass.
 *
 * @throws {ContentError} `content.bad-json`
 */
export function readType(value: JsonNode, { struct, identifier }: GoNames): string {
  if (value === null) return "";
  if (!(value instanceof JsonObject)) throw cannotUnmarshal(value, `signature.${struct}`);
  let type = "";
  for (const member of value.members) {
    if (member.name.toLowerCase() !== "type" || member.value === null) continue;
    if (typeof member.value !== "string") {
      throw badMember(
        `json: cannot unmarshal ${kindOf(member.value)} into Go struct field ${struct}.type of type signature.${identifier}`,
      );
    }
    type = member.value;
  }
  return type;
}
