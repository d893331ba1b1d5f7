import { isValidScope } from "../../../policy/scope.ts";
import { findPolicyFile } from "../../config/load-policy-file.ts";
import { UsageError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { CommandContext } from "../context.ts";
import type { FlagValues } from "../flags.ts";
import { loadKeyFile } from "./key-file.ts";
import { warnOfMistakes } from "./lint.ts";
import { changePolicy, type PolicyDocument, scopesOf, setScope } from "./policy-document.ts";
import { parseIdentity, plainRequirement, signedRequirement } from "./requirements.ts";
import { scopeText } from "./scope-text.ts";

/** `trust set default|SCOPE`: other requirements for one scope; the rest of the policy stays. */
export async function set(context: CommandContext): Promise<void> {
  const { args, flags, settings, signal, terminal } = context;
  const [name] = args;
  if (name === undefined || args.length !== 1)
    throw bad("Exactly one argument expected: default, or a scope");
  const { environment } = await context.parts();
  const { path } = findPolicyFile(environment, settings.policyPath);
  const remove = flags.bool("remove");
  const wanted = remove ? undefined : requirementsOf(flags, environment.cwd);
  let told = "";
  const change = (document: PolicyDocument) => {
    told = applied(document, name, wanted, flags.string("transport"));
    return document;
  };
  await changePolicy(path, change, { signal });
  await terminal.out(`${told} in ${path}\n`);
  await warnOfMistakes(context, path);
}

function applied(
  document: PolicyDocument,
  name: string,
  wanted: JsonValue[] | undefined,
  transport: string,
): string {
  if (name === "default" && transport === "") {
    if (!wanted) throw bad("Cannot remove the default: a policy has to have one");
    document.set("default", wanted);
    return "Set the default";
  }
  const scope = name === "default" ? "" : scopeText(name);
  const where = transport || holderOf(document, scope);
  const there = scopesOf(document).get(where)?.has(scope) ?? false;
  if (!isValidScope(where, scope))
    throw bad(`Scope ${JSON.stringify(scope)} can never name an image of transport ${where}`);
  if (!wanted && !there) throw bad(`Cannot remove scope ${JSON.stringify(scope)}: it is not there`);
  setScope(document, { transport: where, scope }, wanted);
  const label = scope === "" ? "the default" : `scope ${JSON.stringify(scope)}`;
  return `${wanted ? "Set" : "Removed"} ${label} of transport ${where}`;
}

/** As podman has it: where the scope is already, else docker. */
function holderOf(document: PolicyDocument, scope: string): string {
  for (const [transport, scopes] of scopesOf(document)) if (scopes.has(scope)) return transport;
  return "docker";
}

function requirementsOf(flags: FlagValues, cwd: string): JsonValue[] {
  const files = flags.strings("pubkeysfile");
  const type = flags.string("type") || typeFor(files[0], cwd);
  const identity = flags.string("identity");
  switch (type) {
    case "accept":
    case "reject":
      if (files.length > 0)
        throw bad(`${files.length} public keys unexpectedly provided for trust type ${type}`);
      if (identity !== "") throw bad(`--identity has no use for trust type ${type}`);
      return [plainRequirement(type === "reject" ? "reject" : "insecureAcceptAnything")];
    case "signedBy":
    case "sigstoreSigned":
      return signed(type, files, flags, cwd);
    default:
      throw bad(
        `invalid choice: ${type} (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')`,
      );
  }
}

/** The type that a key is for; without a key the one that podman assumes. */
function typeFor(file: string | undefined, cwd: string): string {
  if (file === undefined) return "signedBy";
  return loadKeyFile(file, cwd).kind === "openpgp" ? "signedBy" : "sigstoreSigned";
}

function signed(
  type: "signedBy" | "sigstoreSigned",
  files: readonly string[],
  flags: FlagValues,
  cwd: string,
): JsonValue[] {
  if (files.length === 0) throw bad(`at least one public key must be defined for type '${type}'`);
  const keys = files.map((file) => loadKeyFile(file, cwd));
  const kind = type === "signedBy" ? "openpgp" : "sigstore";
  const other = keys.find((key) => key.kind !== kind);
  if (other) {
    const serves = kind === "openpgp" ? "sigstoreSigned" : "signedBy";
    throw bad(`Key ${JSON.stringify(other.path)} is one for trust type ${serves}, not ${type}`);
  }
  const text = flags.string("identity");
  const identity = text === "" ? undefined : parseIdentity(text);
  return flags.bool("any")
    ? [signedRequirement(keys, identity)]
    : keys.map((key) => signedRequirement([key], identity));
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
