import { parsePolicy } from "../../../policy/parse.ts";
import type { Policy, PolicyRequirement, SignedIdentity } from "../../../policy/policy.ts";
import { keyNames, keySources } from "../../../policy/requirement-keys.ts";
import { describeKeys } from "../../../sigstore/simple-signing/describe-keys.ts";
import { readFile } from "../../config/load-file.ts";
import { loadPolicyFile } from "../../config/load-policy-file.ts";
import { loadRegistriesD } from "../../config/load-registries-d.ts";
import { type RegistriesD, signaturePlaces } from "../../config/registries-d.ts";
import { KnownError, UsageError } from "../../core/errors.ts";
import { escapeControls } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";

/** One requirement, for a row of `trust show`. */
interface ShownRequirement {
  readonly transport: string;
  readonly name: string;
  readonly type: string;
  /** Whose keys, as they say themselves. */
  readonly id: string;
  readonly store: string;
  readonly keys: readonly string[];
  readonly identity?: SignedIdentity;
}

/** `trust show`: the policy in force, a line for each requirement, as podman shows it. */
export async function show(context: CommandContext): Promise<void> {
  const { args, flags, log, settings, terminal } = context;
  if (args.length > 0) throw new UsageError("usage.bad-flag", "No arguments expected");
  const { environment } = await context.parts();
  const { bytes, policy } = await withPrefix("Error loading trust policy", async () => {
    const { path, bytes } = loadPolicyFile(environment, settings.policyPath);
    return { bytes, policy: parsePolicy(bytes, path) };
  });
  if (flags.bool("raw")) return await terminal.out(bytes);
  const config = await loadRegistriesD(environment, settings.registriesDirectory);
  const rows = placesOf(policy).flatMap(({ requirements, ...place }) =>
    requirements.map((requirement) => shown(place, requirement, config)),
  );
  if (flags.bool("json") || log.isJson)
    return await terminal.out(`${JSON.stringify(rows, undefined, 4)}\n`);
  await terminal.out(table(rows, !flags.bool("noheading")));
}

interface Place {
  /** Absent for the policy's default. */
  readonly transport?: string;
  readonly scope?: string;
}

function placesOf(
  policy: Policy,
): readonly (Place & { readonly requirements: readonly PolicyRequirement[] })[] {
  const scoped = [...policy.transports].flatMap(([transport, scopes]) =>
    [...scopes].map(([scope, requirements]) => ({ transport, scope, requirements })),
  );
  return [{ requirements: policy.default }, ...scoped];
}

function shown(
  { transport, scope }: Place,
  requirement: PolicyRequirement,
  config: RegistriesD,
): ShownRequirement {
  const isDocker = transport === "docker";
  const name = transport === undefined || scope === "" ? "default" : (scope ?? "default");
  return {
    transport: transport === undefined ? "all" : isDocker ? "repository" : transport,
    name,
    type: TYPES[requirement.type],
    id: idOf(requirement),
    store: isDocker ? storeOf(scope ?? "", config) : "",
    keys: "signedIdentity" in requirement ? keyNames(requirement) : [],
    ...("signedIdentity" in requirement && { identity: requirement.signedIdentity }),
  };
}

const TYPES: Readonly<Record<PolicyRequirement["type"], string>> = {
  insecureAcceptAnything: "accept",
  reject: "reject",
  signedBy: "signed",
  sigstoreSigned: "sigstoreSigned",
  signedBaseLayer: "signedBaseLayer",
};

function idOf(requirement: PolicyRequirement): string {
  if (requirement.type === "sigstoreSigned") return "N/A";
  if (requirement.type !== "signedBy") return "";
  const keys = keySources(requirement).flatMap(({ source }) =>
    "paths" in source ? source.paths.flatMap(readOrNothing) : source.data,
  );
  const described = describeKeys(keys, new Date());
  return described.map(({ userIds, fingerprint }) => mailOf(userIds[0]) ?? fingerprint).join(", ");
}

function mailOf(userId: string | undefined): string | undefined {
  return userId === undefined ? undefined : (/<([^<>]+)>/.exec(userId)?.[1] ?? userId);
}

/** A key that cannot be read is shown as none; `trust lint` says why. */
function readOrNothing(path: string): readonly Uint8Array[] {
  try {
    return [readFile(path)];
  } catch (error) {
    if (error instanceof KnownError) return [];
    throw error;
  }
}

function storeOf(scope: string, config: RegistriesD): string {
  return signaturePlaces(config, [scope]).read?.value ?? "";
}

const HEADINGS = ["TRANSPORT", "NAME", "TYPE", "ID", "STORE"];

function table(rows: readonly ShownRequirement[], headings: boolean): string {
  const cells = rows.map(({ transport, name, type, id, store }) => [
    transport,
    name,
    type,
    id,
    store,
  ]);
  const lines = (headings ? [HEADINGS, ...cells] : cells).map((line) => line.map(escapeControls));
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}
