import { goString } from "../core/go-json.ts";
import type { GoType } from "../core/go-type.ts";
import { type JsonNode, JsonNumber, JsonObject } from "../core/json-text.ts";

/** A value of any form, kept as it is: Go's `any`, but numbers keep their digits. */
export const anyJson: GoType<JsonNode> = {
  name: "interface {}",
  zero: null,
  read: (node) => node,
  write: formatNode,
  isEmpty: (value) => value === null,
};

function formatNode(node: JsonNode): string {
  if (node instanceof JsonNumber) return node.text;
  if (typeof node === "string") return goString(node);
  if (Array.isArray(node)) return `[${node.map(formatNode).join(",")}]`;
  if (!(node instanceof JsonObject)) return String(node);
  return `{${node.members.map(({ name, raw }) => `${goString(name)}:${raw}`).join(",")}}`;
}
