import { UsageError } from "../../core/errors.ts";
import { escapeControls } from "../../core/go-quote.ts";
import type { AuditLine } from "../../server/audit/audit-line.ts";
import type { AuditVerdict } from "../../server/audit/verify-audit-log.ts";
import type { CommandContext } from "../context.ts";
import { CliError, UsageWithHelp } from "../errors.ts";

/** `log show|verify`: reads audit logs, without a server. */
export async function run(context: CommandContext): Promise<void> {
  if (context.args.length === 0) throw new UsageWithHelp("At least one file expected");
  if (context.path.at(-1)?.name === "verify") await verify(context);
  else await show(context);
}

async function verify({ args, flags, terminal }: CommandContext): Promise<void> {
  const { verifyAuditLog } = await import("../../server/audit/verify-audit-log.ts");
  const wanted = wantedHead(flags.string("head"));
  const verdict = await verifyAuditLog(args, wanted?.sequence);
  const head = `${verdict.head.sequence}:${verdict.head.hash}`;
  const problems = verdict.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  if (wanted && verdict.wanted !== wanted.hash)
    problems.push(
      `line ${wanted.sequence} is not there as it was: lines are missing or were changed`,
    );
  if (flags.bool("json"))
    await terminal.out(`${JSON.stringify({ ...verdict, head, problems }, undefined, 4)}\n`);
  else
    await terminal.out(`${verdictText(verdict, head, problems).map(escapeControls).join("\n")}\n`);
  if (problems.length > 0)
    throw new CliError("cli.bad-audit-log", "The audit log is not as it was written");
}

function verdictText(
  { lines, first, unfinishedBytes }: AuditVerdict,
  head: string,
  problems: readonly string[],
): readonly string[] {
  const begins = first === undefined || first === 1 ? [] : [`begins with line ${first}`];
  const torn = unfinishedBytes === 0 ? [] : [`${unfinishedBytes} bytes of an unfinished line`];
  return [...problems, [`${lines} lines`, ...begins, ...torn].join(", "), `head ${head}`];
}

function wantedHead(
  text: string,
): { readonly sequence: number; readonly hash: string } | undefined {
  if (text === "") return undefined;
  const [, sequence = "", hash = ""] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === "") throw bad(`--head must be NUMBER:HASH, not "${text}"`);
  return { sequence: Number(sequence), hash };
}

async function show(context: CommandContext): Promise<void> {
  const { readAuditLog } = await import("../../server/audit/verify-audit-log.ts");
  const { args, flags, terminal } = context;
  const fits = filterOf(context);
  const write = (line: AuditLine) =>
    terminal.out(`${flags.bool("json") ? JSON.stringify(line) : escapeControls(lineText(line))}\n`);
  const last = flags.number("last");
  const kept: AuditLine[] = [];
  for await (const line of readAuditLog(args)) {
    if (!fits(line)) continue;
    if (last === 0) await write(line);
    else if (kept.push(line) > last) kept.shift();
  }
  for (const line of kept) await write(line);
}

function filterOf({ flags }: CommandContext): (line: AuditLine) => boolean {
  const wanted = (["type", "user", "digest"] as const).filter((name) => flags.changed(name));
  const repository = flags.string("repository");
  const since = timeOf(flags.string("since"), "since") ?? Number.NEGATIVE_INFINITY;
  const until = timeOf(flags.string("until"), "until") ?? Number.POSITIVE_INFINITY;
  return (line) => {
    const at = Date.parse(line.time);
    const isHere =
      repository === "" ||
      line.repository === repository ||
      line.repository?.endsWith(`/${repository}`) === true;
    return (
      isHere &&
      at >= since &&
      at < until &&
      wanted.every((name) => line[name] === flags.string(name))
    );
  };
}

function timeOf(text: string, flag: string): number | undefined {
  if (text === "") return undefined;
  const time = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw bad(`--${flag} must be a time such as 2026-11-27, not "${text}"`);
  return time;
}

function lineText(line: AuditLine): string {
  const { time, type, user, address, repository, reference, digest, decision, detail } = line;
  const who = user ?? (address === undefined ? undefined : "anonymous");
  const what = repository && `${repository}${suffix(reference, digest)}`;
  const from = address === undefined ? undefined : `from ${address}`;
  const why = decision === undefined ? undefined : `decision ${decision}`;
  return [time, type, who, from, what, why, detail].filter(Boolean).join("  ");
}

function suffix(reference: string | undefined, digest: string | undefined): string {
  const tag = reference === undefined || reference.includes(":") ? "" : `:${reference}`;
  const at = digest ?? (reference?.includes(":") ? reference : undefined);
  return `${tag}${at === undefined ? "" : `@${at}`}`;
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
