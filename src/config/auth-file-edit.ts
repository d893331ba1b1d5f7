import { type JsonNode, JsonNumber, JsonObject, parseJsonText } from "../core/json-text.ts";
import { compareUtf8 } from "../core/utf8.ts";
import { MAX_AUTH_FILE_DEPTH } from "./auth-file.ts";
import type { PasswordCredentials } from "./credentials.ts";
import { ConfigError } from "./errors.ts";

/** A change to the `auths` of a file. */
export type AuthEdit =
  | { readonly kind: "set"; readonly key: string; readonly credentials: PasswordCredentials }
  | { readonly kind: "remove"; readonly key: string }
  | { readonly kind: "clear" };

/** Who else reads the file: "containers" for auth.json, "docker" for docker's config.json. */
export type AuthFileFormat = "containers" | "docker";

/**
 * The file's text after the change, laid out as the reference tools do: tabs, sorted keys, no line end. Members they do
 * not know are kept.
 *
 * @throws {ConfigError} `config.invalid` in Go's words, lacking the file's name
 */
export function editAuthFile(
  text: string | undefined,
  edit: AuthEdit,
  format: AuthFileFormat,
): string {
  const top = text === undefined ? new Map<string, JsonNode>() : parseTop(text);
  const auths = membersOf(top.get("auths"));
  apply(auths, edit);
  const members = new Map<string, JsonNode>([
    ["auths", toObject(sorted(mapEntries(auths, orderEntry)))],
  ]);
  const helpers = membersOf(top.get("credHelpers"));
  const forgetHelpers = edit.kind === "clear" && format === "containers";
  if (helpers.size > 0 && !forgetHelpers) members.set("credHelpers", toObject(sorted(helpers)));
  for (const [name, node] of top) {
    if (name !== "auths" && name !== "credHelpers") members.set(name, node);
  }
  if (format === "docker" && top.has("credHelpers") && helpers.size === 0)
    members.set("credHelpers", toObject(helpers));
  return write(toObject(format === "docker" ? sorted(members) : members), "");
}

function apply(auths: Map<string, JsonNode>, edit: AuthEdit): void {
  if (edit.kind === "clear") auths.clear();
  else if (edit.kind === "remove") auths.delete(edit.key);
  else {
    const { username, password } = edit.credentials;
    const auth = Buffer.from(`${username}:${password}`, "utf8").toString("base64");
    auths.set(edit.key, toObject(new Map([["auth", auth]])));
  }
}

/** The known members of an entry first, and without empty ones. */
function orderEntry(node: JsonNode): JsonNode {
  const members = membersOf(node);
  const ordered = new Map<string, JsonNode>();
  for (const name of ["auth", "identitytoken"]) {
    const value = members.get(name);
    if (value !== undefined && value !== "") ordered.set(name, value);
    members.delete(name);
  }
  for (const [name, value] of members) ordered.set(name, value);
  return toObject(ordered);
}

function parseTop(text: string): Map<string, JsonNode> {
  try {
    return membersOf(parseJsonText(text, { maxDepth: MAX_AUTH_FILE_DEPTH }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError("config.invalid", reason, { cause: error });
  }
}

function membersOf(node: JsonNode | undefined): Map<string, JsonNode> {
  return node instanceof JsonObject
    ? new Map(node.members.map(({ name, value }) => [name, value]))
    : new Map();
}

function mapEntries(
  map: ReadonlyMap<string, JsonNode>,
  convert: (node: JsonNode) => JsonNode,
): Map<string, JsonNode> {
  return new Map(Array.from(map, ([key, node]) => [key, convert(node)]));
}

function sorted(map: ReadonlyMap<string, JsonNode>): Map<string, JsonNode> {
  return new Map([...map].sort(([a], [b]) => compareUtf8(a, b)));
}

function toObject(map: ReadonlyMap<string, JsonNode>): JsonObject {
  return new JsonObject(Array.from(map, ([name, value]) => ({ name, value, raw: "" })));
}

/** Go's `json.MarshalIndent(…, "", "\t")`. */
function write(node: JsonNode, indent: string): string {
  if (node instanceof JsonNumber) return node.text;
  if (typeof node === "string") return quote(node);
  if (node === null || typeof node === "boolean") return String(node);
  const inner = `${indent}\t`;
  if (node instanceof JsonObject) {
    const items = node.members.map(({ name, value }) => `${quote(name)}: ${write(value, inner)}`);
    return brackets("{}", items, indent);
  }
  return brackets(
    "[]",
    node.map((item) => write(item, inner)),
    indent,
  );
}

function brackets(pair: "{}" | "[]", items: readonly string[], indent: string): string {
  if (items.length === 0) return pair;
  const lines = items.map((item) => `${indent}\t${item}`).join(",\n");
  return `${pair.charAt(0)}\n${lines}\n${indent}${pair.charAt(1)}`;
}

/** Go escapes what could end a script element, and the two line ends of JavaScript. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
