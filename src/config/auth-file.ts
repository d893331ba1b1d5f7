import { decodeGoBase64 } from "../core/go-base64.ts";
import { type JsonNode, JsonNumber, JsonObject, parseJsonText } from "../core/json-text.ts";
import {
  type CredentialKey,
  type Credentials,
  lookupOrder,
  normalizeFileKey,
  normalizeRegistry,
} from "./credentials.ts";
import { ConfigError } from "./errors.ts";

/** The members of containers-auth.json(5), docker's config.json or (legacy) .dockercfg that say who signs in how. */
export interface AuthFile {
  readonly auths: ReadonlyMap<string, AuthEntry>;
  /** Registry to helper. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** Docker's helper for all registries; the reference tools do not read it. */
  readonly credsStore: string;
}

/** One entry of `auths`; "" for what it lacks. */
export interface AuthEntry {
  /** base64 of `user:password`. */
  readonly auth: string;
  readonly identityToken: string;
}

/** Deeper nesting than this is refused. */
export const MAX_AUTH_FILE_DEPTH = 1_000;

/**
 * Reads the text of an auth file. A legacy file (`.dockercfg`) is its `auths` alone.
 *
 * @throws {ConfigError} `config.invalid` in Go's words, lacking the file's name
 */
export function parseAuthFile(text: string, options: { readonly legacy: boolean }): AuthFile {
  const top = membersOf(parse(text), "", "config.dockerConfigFile");
  const auths = options.legacy
    ? top
    : membersOf(member(top, "auths"), "auths", "map[string]config.dockerAuthConfig");
  const helpers = options.legacy
    ? new Map<string, JsonNode>()
    : membersOf(member(top, "credhelpers"), "credHelpers", "map[string]string");
  return {
    auths: mapValues(auths, readEntry),
    credHelpers: mapValues(helpers, (node) => stringOf(node, "credHelpers")),
    credsStore: options.legacy ? "" : quietString(member(top, "credsstore")),
  };
}

function parse(text: string): JsonNode {
  try {
    return parseJsonText(text, { maxDepth: MAX_AUTH_FILE_DEPTH });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError("config.invalid", reason, { cause: error });
  }
}

function readEntry(node: JsonNode): AuthEntry {
  const members = membersOf(node, "auths", "config.dockerAuthConfig");
  return {
    auth: stringOf(member(members, "auth") ?? null, "auths.auth"),
    identityToken: stringOf(member(members, "identitytoken") ?? null, "auths.identitytoken"),
  };
}

/** The last of several members of one name; names match whatever their case, an exact one first. */
function member(members: ReadonlyMap<string, JsonNode>, name: string): JsonNode | undefined {
  const exact = members.get(name);
  if (exact !== undefined) return exact;
  for (const [key, node] of members) if (key.toLowerCase() === name) return node;
  return undefined;
}

function membersOf(
  node: JsonNode | undefined,
  field: string,
  wanted: string,
): ReadonlyMap<string, JsonNode> {
  if (node === undefined || node === null) return new Map();
  if (!(node instanceof JsonObject)) throw mismatch(node, field, wanted);
  return new Map(node.members.map(({ name, value }) => [name, value]));
}

function mapValues<From, To>(
  map: ReadonlyMap<string, From>,
  convert: (value: From) => To,
): ReadonlyMap<string, To> {
  return new Map(Array.from(map, ([key, value]) => [key, convert(value)]));
}

function stringOf(node: JsonNode, field: string): string {
  if (node === null) return "";
  if (typeof node !== "string") throw mismatch(node, field, "string");
  return node;
}

/** Members that the reference does not read must not fail where they are odd. */
function quietString(node: JsonNode | undefined): string {
  return typeof node === "string" ? node : "";
}

/** Go names the innermost struct, and the members from the outermost one down. */
function mismatch(node: JsonNode, field: string, wanted: string): ConfigError {
  const struct = field.startsWith("auths.") ? "dockerAuthConfig" : "dockerConfigFile";
  const where = field === "" ? "value" : `struct field ${struct}.${field}`;
  return new ConfigError(
    "config.invalid",
    `json: cannot unmarshal ${kindOf(node)} into Go ${where} of type ${wanted}`,
  );
}

function kindOf(node: JsonNode): string {
  if (node instanceof JsonNumber) return "number";
  if (node instanceof JsonObject) return "object";
  if (Array.isArray(node)) return "array";
  return typeof node === "boolean" ? "bool" : "string";
}

/** What one file answers to a key. `entry` is the key that matched. */
export type AuthAnswer =
  | { readonly kind: "helper"; readonly helper: string }
  | { readonly kind: "credentials"; readonly entry: string; readonly credentials: Credentials }
  /** An empty entry, as docker leaves behind where a helper keeps the secret. */
  | { readonly kind: "empty"; readonly entry: string }
  /** An entry that is not `user:password`: passed over, but worth a warning. */
  | { readonly kind: "malformed"; readonly entry: string };

/**
 * Looks a key up in one file (registry.md 2.7): the registry's helper, then the key and all above it, the narrowest
 * first, then keys written as URLs or as another name of Docker Hub.
 *
 * @throws {ConfigError} `config.invalid` where the entry is no base64
 */
export function findInAuthFile(
  file: AuthFile,
  { key, registry }: CredentialKey,
  options: { readonly legacy: boolean },
): AuthAnswer | undefined {
  const helper = file.credHelpers.get(registry);
  if (helper !== undefined) return { kind: "helper", helper };
  for (const candidate of options.legacy ? [registry] : lookupOrder(key)) {
    const entry = file.auths.get(candidate);
    if (entry) return answer(candidate, entry);
  }
  const normalized = normalizeRegistry(registry);
  for (const [candidate, entry] of file.auths) {
    if (normalizeFileKey(candidate, options.legacy) === normalized) return answer(candidate, entry);
  }
  return undefined;
}

function answer(entry: string, { auth, identityToken }: AuthEntry): AuthAnswer {
  const decoded = decodeAuth(auth);
  const colon = decoded.indexOf(":");
  if (colon === -1) return { kind: decoded === "" ? "empty" : "malformed", entry };
  const username = decoded.slice(0, colon);
  const password = decoded
    .slice(colon + 1)
    .replace(/^\0+/, "")
    .replace(/\0+$/, "");
  if (identityToken !== "")
    return { kind: "credentials", entry, credentials: { identityToken, username } };
  if (username === "" && password === "") return { kind: "empty", entry };
  return { kind: "credentials", entry, credentials: { username, password } };
}

function decodeAuth(text: string): string {
  try {
    return Buffer.from(decodeGoBase64(text)).toString();
  } catch (error) {
    throw new ConfigError("config.invalid", (error as Error).message);
  }
}
