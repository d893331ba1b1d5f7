import type { JsonValue } from "../../core/strict-json.ts";
import { CliError } from "../errors.ts";
import type { KeyFile } from "./key-file.ts";
import { membersOf, type PolicyDocument } from "./policy-document.ts";

/** A policy in which some requirements name other keys than before. */
export interface ChangedPolicy {
  readonly document: PolicyDocument;
  /** How many requirements are different now. */
  readonly changed: number;
}

/** The keys of one requirement: the files it names, or what stands in it. */
type Keys = { readonly paths: readonly string[] } | { readonly data: readonly string[] };

/** Accepts `next` wherever `old` is accepted. */
export function acceptBoth(document: PolicyDocument, old: KeyFile, next: KeyFile): ChangedPolicy {
  return changeRequirements(document, old, (requirement, keys) => {
    if ("paths" in keys) {
      if (!keys.paths.includes(old.path) || keys.paths.includes(next.path)) return undefined;
      return withKeys(requirement, { paths: [...keys.paths, next.path] });
    }
    const [before, after] = [base64(old.bytes), base64(next.bytes)];
    if (!keys.data.includes(before) || keys.data.includes(after)) return undefined;
    return withKeys(requirement, { data: [...keys.data, after] });
  });
}

/** Accepts `old` no more where `next` is accepted beside it. */
export function acceptOnlyNew(
  document: PolicyDocument,
  old: KeyFile,
  next: KeyFile,
): ChangedPolicy {
  return changeRequirements(document, old, (requirement, keys) => {
    if ("paths" in keys) {
      if (!keys.paths.includes(old.path) || !keys.paths.includes(next.path)) return undefined;
      return withKeys(requirement, { paths: keys.paths.filter((path) => path !== old.path) });
    }
    const [before, after] = [base64(old.bytes), base64(next.bytes)];
    if (!keys.data.includes(before) || !keys.data.includes(after)) return undefined;
    return withKeys(requirement, { data: keys.data.filter((one) => one !== before) });
  });
}

function changeRequirements(
  document: PolicyDocument,
  { kind }: KeyFile,
  change: (requirement: Map<string, JsonValue>, keys: Keys) => JsonValue | undefined,
): ChangedPolicy {
  let changed = 0;
  const type = kind === "openpgp" ? "signedBy" : "sigstoreSigned";
  const visit = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(visit);
    const members = membersOf(value);
    if (!members) return value;
    if (members.get("type") !== type)
      return new Map([...members].map(([name, member]) => [name, visit(member)]));
    const keys = keysOf(members);
    const other = keys && change(members, keys);
    if (other === undefined) return members;
    changed += 1;
    return other;
  };
  return { document: visit(document) as PolicyDocument, changed };
}

function keysOf(requirement: Map<string, JsonValue>): Keys | undefined {
  const texts = (name: string) => {
    const value = requirement.get(name);
    const list = Array.isArray(value) ? value : value === undefined ? [] : [value];
    return list.filter((one) => typeof one === "string");
  };
  const paths = [...texts("keyPath"), ...texts("keyPaths")];
  if (paths.length > 0) return { paths };
  const data = [...texts("keyData"), ...texts("keyDatas")].map((text) =>
    text.replace(/[\r\n]/g, ""),
  );
  return data.length > 0 ? { data } : undefined;
}

const KEY_MEMBERS = ["keyPath", "keyPaths", "keyData", "keyDatas"];

/** The same requirement with other keys, where the old ones stood. */
function withKeys(requirement: Map<string, JsonValue>, keys: Keys): JsonValue {
  const member = keyMember(requirement, keys);
  return new Map(
    [...requirement].map((entry) => (KEY_MEMBERS.includes(entry[0]) ? member : entry)),
  );
}

function keyMember(
  requirement: Map<string, JsonValue>,
  keys: Keys,
): readonly [name: string, value: JsonValue] {
  const [only = "", ...more] = "paths" in keys ? keys.paths : keys.data;
  const [one, several] = "paths" in keys ? ["keyPath", "keyPaths"] : ["keyData", "keyDatas"];
  if (more.length === 0) return [one, only];
  if (one === "keyPath" || requirement.get("type") === "sigstoreSigned")
    return [several, [only, ...more]];
  throw new CliError(
    "cli.bad-key",
    "Cannot add a key to a signedBy requirement that holds its key as keyData",
    { hint: "Put the key into a file, and name it with keyPath" },
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
