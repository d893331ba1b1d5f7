import { formatPolicyPath, PolicyError } from "../../../policy/errors.ts";
import type { Finding } from "../../../policy/finding.ts";
import { lintPolicy } from "../../../policy/lint.ts";
import { readFile } from "../../config/load-file.ts";
import { loadPolicyFile, type PolicyFile } from "../../config/load-policy-file.ts";
import { loadRegistriesD } from "../../config/load-registries-d.ts";
import { UsageError } from "../../core/errors.ts";
import { escapeControls } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { CliError } from "../errors.ts";
import { readOverlay } from "../gates.ts";
import { describeKeyFile } from "./describe-key-files.ts";
import { isWritableByAll, readsSigstore, realPath } from "./lint-places.ts";

/** `trust lint`: mistakes in the policy in force; exit code 1 for errors. */
export async function lint(context: CommandContext): Promise<void> {
  const { args, flags, log, terminal } = context;
  if (args.length > 0) throw new UsageError("usage.bad-flag", "No arguments expected");
  const { path, findings } = await lintInForce(context);
  const count = (wanted: Finding["severity"]) =>
    findings.filter(({ severity }) => severity === wanted).length;
  if (flags.bool("json") || log.isJson)
    await terminal.out(`${JSON.stringify(findings, undefined, 4)}\n`);
  else if (findings.length === 0) await terminal.out(`No mistakes found in ${path}\n`);
  else
    await terminal.out(
      findings
        .flatMap(linesOf)
        .map((line) => `${escapeControls(line)}\n`)
        .join(""),
    );
  if (count("error") === 0 && !(flags.bool("strict") && count("warning") > 0)) return;
  throw new CliError(
    "cli.conflict",
    `${path}: ${plural(count("error"), "error")}, ${plural(count("warning"), "warning")}`,
  );
}

/** What is wrong with the policy in force, the errors first. */
async function lintInForce(context: CommandContext): Promise<{
  readonly path: string;
  readonly findings: readonly Finding[];
}> {
  const { environment } = await context.parts();
  const { policyPath } = context.settings;
  const policy = loadPolicyFile(environment, policyPath);
  const beside = policyPath ? [] : await lintOverlay(policy.path);
  return { path: policy.path, findings: [...beside, ...(await lintFile(context, policy))] };
}

/** What is beside the policy stops every command too, where it cannot be read. */
async function lintOverlay(policyPath: string): Promise<readonly Finding[]> {
  try {
    await readOverlay(policyPath);
    return [];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const { message, hint } = error;
    const found: Finding = { code: "policy.invalid", severity: "error", path: [], message };
    return [{ ...found, ...(hint !== undefined && { hint }) }];
  }
}

/** Warns of the mistakes in a policy that was just written. */
export async function warnOfMistakes(context: CommandContext, path: string): Promise<void> {
  const findings = await lintFile(context, { path, bytes: readFile(path) });
  for (const { severity, ...found } of findings)
    if (severity !== "info") context.log.warning(escapeControls(placeAndMessage(found)));
}

async function lintFile(
  { parts, settings }: CommandContext,
  { path, bytes }: PolicyFile,
): Promise<readonly Finding[]> {
  const { environment } = await parts();
  const config = await loadRegistriesD(environment, settings.registriesDirectory);
  const now = new Date();
  const findings = await lintPolicy(bytes, path, {
    now,
    realPath,
    isWritableByAll,
    readKeyFile: async (file) => readFile(file),
    describeKeys: async (kind, file) => describeKeyFile(kind, file, now),
    readsSigstore: (scope) => readsSigstore(config, scope),
  });
  return findings.toSorted((a, b) => rank(a) - rank(b));
}

function rank({ severity }: Finding): number {
  return ["error", "warning", "info"].indexOf(severity);
}

function placeAndMessage({ path, message }: Pick<Finding, "path" | "message">): string {
  return path.length === 0 ? message : `${formatPolicyPath(path)}: ${message}`;
}

function linesOf({ severity, hint, ...found }: Finding): readonly string[] {
  const line = `${severity}: ${placeAndMessage(found)}`;
  return hint === undefined ? [line] : [line, `    hint: ${hint}`];
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
