import { join } from "node:path";
import { systemContainersDirectory, userContainersDirectory } from "../../config/environment.ts";
import { readIfThere } from "../../config/load-file.ts";
import { UsageError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import { type KeyFile, loadKeyFile } from "./key-file.ts";
import { warnOfMistakes } from "./lint.ts";
import { changePolicy, type PolicyDocument, setScope } from "./policy-document.ts";
import { plainRequirement, signedRequirement } from "./requirements.ts";
import { scopeText } from "./scope-text.ts";

/** Transports whose images are on this machine. */
const LOCAL = [
  "containers-storage",
  "dir",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "tarball",
];

/** `trust init [SCOPE=KEY-FILE…]`: a first policy, which refuses what nobody named. */
export async function init(context: CommandContext): Promise<void> {
  const { flags, settings, signal, terminal } = context;
  const { environment } = await context.parts();
  const document = firstPolicy(context, environment.cwd);
  const folder = flags.bool("system")
    ? systemContainersDirectory(environment)
    : userContainersDirectory(environment);
  const path = settings.policyPath ?? join(folder, "policy.json");
  if (!flags.bool("force") && readIfThere(path) !== undefined) {
    throw new CliError("cli.exists", `Refusing to overwrite existing ${JSON.stringify(path)}`, {
      hint: "Change it with `amphora trust set`, or pass --force to replace it",
    });
  }
  await changePolicy(path, () => document, { signal });
  await terminal.out(`Wrote ${path}: ${summary(document)}\n`);
  await warnOfMistakes(context, path);
}

function firstPolicy({ args, flags }: CommandContext, cwd: string): PolicyDocument {
  const accepted = flags.strings("accept");
  const anything = flags.bool("accept-anything");
  const local = flags.bool("accept-local");
  if (args.length === 0 && accepted.length === 0 && !anything && !local) {
    throw new UsageError(
      "usage.bad-flag",
      "Name whom to trust: SCOPE=KEY-FILE, --accept SCOPE, --accept-local or --accept-anything",
    );
  }
  const rest = plainRequirement(anything ? "insecureAcceptAnything" : "reject");
  const document: PolicyDocument = new Map<string, JsonValue>([["default", [rest]]]);
  for (const [scope, requirements] of signedScopes(args, cwd))
    setScope(document, { transport: "docker", scope }, requirements);
  for (const text of accepted) {
    const scope = scopeText(text);
    if (args.some((arg) => scopeText(arg.split("=", 1)[0] ?? "") === scope))
      throw new UsageError(
        "usage.bad-flag",
        `${JSON.stringify(scope)} cannot both be accepted and need a signature`,
      );
    setScope(document, { transport: "docker", scope }, [
      plainRequirement("insecureAcceptAnything"),
    ]);
  }
  for (const transport of local ? LOCAL : [])
    setScope(document, { transport, scope: "" }, [plainRequirement("insecureAcceptAnything")]);
  return document;
}

/** By scope: one requirement for each time that it was named. */
function signedScopes(args: readonly string[], cwd: string): ReadonlyMap<string, JsonValue[]> {
  const scopes = new Map<string, JsonValue[]>();
  for (const arg of args) {
    const equals = arg.indexOf("=");
    const files = arg.slice(equals + 1).split(",");
    if (equals < 1 || files.includes(""))
      throw new UsageError(
        "usage.bad-flag",
        `Cannot read ${JSON.stringify(arg)}: SCOPE=KEY-FILE expected`,
      );
    const keys: KeyFile[] = files.map((file) => loadKeyFile(file, cwd));
    const scope = scopeText(arg.slice(0, equals));
    scopes.set(scope, [...(scopes.get(scope) ?? []), signedRequirement(keys, undefined)]);
  }
  return scopes;
}

function summary(document: PolicyDocument): string {
  const [rest] = document.get("default") as JsonValue[];
  const accepts = rest instanceof Map && rest.get("type") === "insecureAcceptAnything";
  return accepts ? "what it does not name is accepted" : "what it does not name is refused";
}
