import { dirname } from "node:path";
import { parsePolicy } from "../../../policy/parse.ts";
import { ConfigError } from "../../config/errors.ts";
import { fileErrorText, readIfThere } from "../../config/load-file.ts";
import { replaceFile, withLock } from "../../config/load-locked-file.ts";
import { makeFoldersSync } from "../../core/make-folders.ts";
import { type JsonValue, parseStrictJson } from "../../core/strict-json.ts";

/** A policy.json as it is written, members in their order: for changing, where a parsed policy is for asking. */
export type PolicyDocument = Map<string, JsonValue>;

const maxDepth = 1_000;
const INDENT = 4;
const READABLE_BY_ALL = 0o644;

/**
 * Reads a policy that must be valid.
 *
 * @throws {PolicyError} `policy.invalid`
 */
export function parsePolicyDocument(bytes: Uint8Array, file: string): PolicyDocument {
  parsePolicy(bytes, file);
  return membersOf(parseStrictJson(bytes, { maxDepth })) ?? new Map();
}

/** JSON as podman writes it: four blanks a level. */
export function formatPolicyDocument(document: PolicyDocument): string {
  return `${JSON.stringify(plain(document), undefined, INDENT)}\n`;
}

/** The transports' scopes, by transport; what is set in the maps is set in the document. */
export function scopesOf(
  document: PolicyDocument,
): ReadonlyMap<string, ReadonlyMap<string, JsonValue>> {
  const transports = membersOf(document.get("transports")) ?? new Map<string, JsonValue>();
  return new Map([...transports].map(([name, scopes]) => [name, membersOf(scopes) ?? new Map()]));
}

/** Sets the requirements of one scope, or removes the scope; a transport without scopes goes too. */
export function setScope(
  document: PolicyDocument,
  { transport, scope }: { readonly transport: string; readonly scope: string },
  requirements: JsonValue | undefined,
): void {
  const transports = membersOf(document.get("transports")) ?? new Map<string, JsonValue>();
  const scopes = membersOf(transports.get(transport)) ?? new Map<string, JsonValue>();
  if (requirements === undefined) scopes.delete(scope);
  else scopes.set(scope, requirements);
  if (scopes.size > 0) transports.set(transport, scopes);
  else transports.delete(transport);
  if (transports.size > 0) document.set("transports", transports);
  else document.delete("transports");
}

/**
 * Writes a policy as one step. It is checked first, so that a policy that cannot be read never takes the place of one
 * that can.
 *
 * @throws {PolicyError} `policy.invalid`; {ConfigError} `config.unwritable`
 */
export function writePolicyDocument(path: string, document: PolicyDocument): void {
  const text = formatPolicyDocument(document);
  parsePolicy(Buffer.from(text), path);
  replaceFile(path, text, READABLE_BY_ALL);
}

/**
 * Changes the policy in `path` while nobody else does.
 *
 * @throws {PolicyError} `policy.invalid` where it is, or would become, no policy; {ConfigError}
 */
export async function changePolicy(
  path: string,
  change: (document: PolicyDocument) => PolicyDocument,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  makeFolder(path);
  await withLock(
    path,
    (target) => {
      const bytes = readIfThere(target);
      const before = bytes ? parsePolicyDocument(bytes, path) : new Map<string, JsonValue>();
      writePolicyDocument(target, change(before));
    },
    options,
  );
}

/** Unlike other settings the policy is for everybody to read, so its folder is too. */
function makeFolder(path: string): void {
  const folder = dirname(path);
  try {
    makeFoldersSync(folder, 0o755);
  } catch (error) {
    const text = fileErrorText(error, "mkdir", folder);
    throw new ConfigError("config.unwritable", text, { file: path, cause: error });
  }
}

/** An object's members; undefined for anything else. */
export function membersOf(value: JsonValue | undefined): Map<string, JsonValue> | undefined {
  return value instanceof Map ? value : undefined;
}

function plain(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
}
