import { type JsonNode, JsonObject, parseJsonText } from "../src/core/json-text.ts";
import { decodeUtf8 } from "../src/core/utf8.ts";
import { comparableText } from "./comparable.ts";
import { formatPolicyPath, PolicyError, type PolicyPath } from "./errors.ts";
import { maxPolicyDepth, parsePolicy, parsePolicyPart } from "./parse.ts";

/** A file that says a part of a policy: `policy.json` itself, or a drop-in beside it. */
export interface PolicyFragment {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** A list of requirements as one of the files has it. */
interface Entry {
  readonly path: PolicyPath;
  readonly file: string;
  /** Its JSON, as written. */
  readonly json: string;
  /** What it asks for, to be compared. */
  readonly meaning: string;
}

/**
 * Merges files, each in the form of policy.json but with or without a default, into one standard policy.json
 * (`specs/signing.md` 7.10). Every entry may stand in one file only, unless all say the same: which of two would win
 * is nothing that trust should depend on. The order of `fragments` decides only the order of the result.
 *
 * @returns the file's text, that every reader of containers-policy.json(5) understands
 * @throws {PolicyError} `policy.invalid` of the file at fault, or where none has a default; `policy.conflict` naming both files
 */
export function compilePolicy(fragments: readonly PolicyFragment[]): string {
  const entries = new Map<string, Entry>();
  for (const entry of fragments.flatMap(entriesOf)) {
    const name = formatPolicyPath(entry.path);
    const other = entries.get(name);
    if (other && other.meaning !== entry.meaning) throw conflict(name, other, entry);
    if (!other) entries.set(name, entry);
  }
  const text = textOf([...entries.values()]);
  parsePolicy(new TextEncoder().encode(text), fragments.map(({ file }) => file).join(" + "));
  return text;
}

function entriesOf({ file, bytes }: PolicyFragment): readonly Entry[] {
  const part = parsePolicyPart(bytes, file);
  const document = parseJsonText(decodeUtf8(bytes), { maxDepth: maxPolicyDepth });
  const own = part.default
    ? [entryAt(file, document, ["default"], comparableText(part.default))]
    : [];
  const scoped = [...part.transports].flatMap(([transport, scopes]) =>
    [...scopes].map(([scope, requirements]) =>
      entryAt(file, document, ["transports", transport, scope], comparableText(requirements)),
    ),
  );
  return [...own, ...scoped];
}

function entryAt(
  file: string,
  document: JsonNode,
  path: readonly string[],
  meaning: string,
): Entry {
  let at = document;
  let json = "";
  for (const name of path) {
    const members = at instanceof JsonObject ? at.members : [];
    const member = members.find((each) => each.name === name);
    at = member?.value ?? null;
    json = member?.raw ?? "";
  }
  return { path, file, json, meaning };
}

function textOf(entries: readonly Entry[]): string {
  const byTransport = new Map<string, string[]>();
  const own: string[] = [];
  for (const { path, json } of entries) {
    const [, transport, scope] = path;
    if (transport === undefined) own.push(`"default":${json}`);
    else {
      const scopes = byTransport.get(String(transport)) ?? [];
      scopes.push(`${JSON.stringify(scope)}:${json}`);
      byTransport.set(String(transport), scopes);
    }
  }
  const transports = [...byTransport].map(
    ([name, scopes]) => `${JSON.stringify(name)}:{${scopes.join(",")}}`,
  );
  if (transports.length > 0) own.push(`"transports":{${transports.join(",")}}`);
  return `${JSON.stringify(JSON.parse(`{${own.join(",")}}`), null, 2)}\n`;
}

function conflict(name: string, one: Entry, other: Entry): PolicyError {
  return new PolicyError(
    "policy.conflict",
    `${name} is set in ${one.file} and differently in ${other.file}`,
    {
      file: other.file,
      path: other.path,
      hint: `Take ${name} out of ${one.file} or of ${other.file}`,
    },
  );
}
