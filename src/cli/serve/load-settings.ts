import { dirname, resolve } from "node:path";
import type * as z from "zod";
import type { Environment } from "../../config/environment.ts";
import { readFile } from "../../config/load-file.ts";
import { readSpelling } from "../../config/read-spelling.ts";
import { formatPath, issuesOf, type SettingIssue } from "../../config/setting-issues.ts";
import { isTable } from "../../config/setting-shape.ts";
import {
  invalidSettings,
  issueLines,
  parseSettingsDocument,
  type SettingsDocument,
} from "../../config/settings-document.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { type WithVariables, withVariables } from "./setting-variables.ts";

/** What the command line says of the server, over everything else. */
export interface ServeFlags {
  /** The file; without one `AMPHORA_SERVE_CONFIG`, and then none. */
  readonly config?: string;
  readonly listen?: readonly string[];
  readonly data?: string;
}

/** Settings, and where they come from. */
export interface LoadedSettings {
  readonly settings: ServerSettings;
  readonly file: string | undefined;
  /** Variables that begin like ours and set nothing. */
  readonly unusedVariables: readonly string[];
}

const prefix = "AMPHORA_SERVE";

/**
 * Reads the configuration of `serve`: the file, the environment over it, the flags over both.
 *
 * @throws {ConfigError} `config.unreadable`, or `config.invalid` with a line for everything that is wrong: the file, the
 *   path within it, and what was expected there
 */
export async function loadSettings(
  flags: ServeFlags,
  { variables, cwd }: Pick<Environment, "variables" | "cwd">,
): Promise<LoadedSettings> {
  const { serverSettings } = await import("../../server/settings.ts");
  const { [`${prefix}_CONFIG`]: named, ...values } = variables;
  const chosen = flags.config ?? named;
  const file = chosen === undefined || chosen === "" ? undefined : resolve(cwd, chosen);
  const document = file === undefined ? undefined : await readDocument(file);
  const folder = file === undefined ? cwd : dirname(file);
  const laid = withVariables(serverSettings, document?.value ?? {}, {
    prefix,
    values,
    folder: cwd,
  });
  const judged = judge(serverSettings, laid, { flags, cwd, folder, document });
  const settings = {
    ...judged,
    data: resolve(cwd, judged.data),
    mirrors: seenFrom(folder, judged),
  };
  await checkJobs(settings, file);
  return {
    settings,
    file,
    unusedVariables: laid.unused,
  };
}

function seenFrom(folder: string, { mirrors }: ServerSettings): ServerSettings["mirrors"] {
  const named = Object.entries(mirrors);
  return Object.fromEntries(named.map(([name, mirror]) => [name, { ...mirror, folder }]));
}

/** What schemas do not see of mirrors and schedules, where there are any. */
async function checkJobs(settings: ServerSettings, file: string | undefined): Promise<void> {
  const { mirrors, schedules } = settings;
  if (Object.keys(mirrors).length + Object.keys(schedules).length === 0) return;
  const { checkJobSettings } = await import("../../server/jobs/check-settings.ts");
  const issues = await checkJobSettings(settings, file);
  if (issues.length > 0) throw invalidSettings(issues, file);
}

interface Judged {
  readonly flags: ServeFlags;
  readonly cwd: string;
  readonly folder: string;
  readonly document: SettingsDocument | undefined;
}

function judge(
  schema: z.ZodType<ServerSettings>,
  laid: WithVariables,
  { flags, cwd, folder, document }: Judged,
): ServerSettings {
  const written = { ...laid, value: withFlags(laid.value, flags, cwd) };
  const spelled = readSpelling(schema, written.value, folder);
  const parsed = schema.safeParse(spelled.value);
  const issues = [
    ...spelled.issues,
    ...(parsed.success ? [] : issuesOf(schema, parsed.error.issues, written.value)),
  ];
  if (parsed.success && issues.length === 0) return parsed.data;
  throw invalidSettings(
    issues.map((issue) => lineFor(issue, written, flags, document)),
    document?.file,
  );
}

function withFlags(value: unknown, { listen, data }: ServeFlags, cwd: string): unknown {
  if (!isTable(value)) return value;
  return {
    ...value,
    ...(listen !== undefined && listen.length > 0 && { listen }),
    ...(data !== undefined && { data: resolve(cwd, data) }),
  };
}

/** `FILE:LINE: PATH: what was expected`, or the flag or variable in place of the file. */
function lineFor(
  { path, message }: SettingIssue,
  { setBy }: Pick<WithVariables, "setBy">,
  flags: ServeFlags,
  document: SettingsDocument | undefined,
): string {
  const text = `${formatPath(path) || "the whole"}: ${message}`;
  if (path[0] === "listen" && flags.listen && flags.listen.length > 0) return `--listen: ${text}`;
  if (path[0] === "data" && flags.data !== undefined) return `--data: ${text}`;
  for (let length = path.length; length > 0; length--) {
    const variable = setBy.get(formatPath(path.slice(0, length)));
    if (variable !== undefined) return `${variable}: ${text}`;
  }
  if (!document) return text;
  return issueLines([{ path, message }], document).join("");
}

async function readDocument(file: string): Promise<SettingsDocument> {
  return await parseSettingsDocument(readFile(file).toString("utf8"), file);
}
