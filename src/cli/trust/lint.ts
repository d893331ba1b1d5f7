import { parsePolicy } from "../../../policy/parse.ts";
import { loadPolicyFile } from "../../config/load-policy-file.ts";
import { loadRegistriesD } from "../../config/load-registries-d.ts";
import { UsageError } from "../../core/errors.ts";
import { escapeControls, goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import { CliError, withPrefix } from "../errors.ts";
import { type Finding, lintPolicy } from "./findings.ts";
import { lintKeys } from "./lint-keys.ts";
import { lintAttachments, lintFile, lintFolders } from "./lint-places.ts";

/** `trust lint`: mistakes in the policy in force; exit code 1 for errors. */
export async function lint(context: CommandContext): Promise<void> {
  const { args, flags, log, terminal } = context;
  if (args.length > 0) throw new UsageError("usage.bad-flag", "No arguments expected");
  const { path, findings } = await lintInForce(context);
  const errors = findings.filter(({ level }) => level === "error").length;
  const warnings = findings.length - errors;
  if (flags.bool("json") || log.isJson)
    await terminal.out(`${JSON.stringify(findings, undefined, 4)}\n`);
  else if (findings.length === 0) await terminal.out(`No mistakes found in ${path}\n`);
  else await terminal.out(`${findings.flatMap(linesOf).map(escapeControls).join("\n")}\n`);
  if (errors === 0 && !(flags.bool("strict") && warnings > 0)) return;
  throw new CliError(
    "cli.conflict",
    `${path}: ${plural(errors, "error")}, ${plural(warnings, "warning")}`,
  );
}

/** What is wrong with the policy in force, the errors first. */
export async function lintInForce({ parts, settings }: CommandContext): Promise<{
  readonly path: string;
  readonly findings: readonly Finding[];
}> {
  const { environment } = await parts();
  const { path, policy } = await withPrefix("Error loading trust policy", async () => {
    const { path, bytes } = loadPolicyFile(environment, settings.policyPath);
    return { path, policy: parsePolicy(bytes, path) };
  });
  const config = await loadRegistriesD(environment, settings.registriesDirectory);
  const findings = [
    ...lintFile(path),
    ...lintPolicy(policy),
    ...lintKeys(policy, new Date()),
    ...lintFolders(policy),
    ...lintAttachments(policy, config),
  ];
  return { path, findings: findings.toSorted((a, b) => rank(a) - rank(b)) };
}

function rank({ level }: Finding): number {
  return level === "error" ? 0 : 1;
}

function linesOf({ level, place, requirement, message, hint }: Finding): readonly string[] {
  const { transport, scope } = place;
  const where =
    transport === undefined
      ? "default"
      : scope === ""
        ? `default of ${transport}`
        : `${transport} ${goQuote(scope ?? "")}`;
  const which = requirement === undefined ? "" : `, requirement ${requirement + 1}`;
  return [
    `${level}: ${where}${which}: ${message}`,
    ...(hint === undefined ? [] : [`    hint: ${hint}`]),
  ];
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
