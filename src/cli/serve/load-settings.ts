import { dirname, resolve } from "node:path";
import type { LineCounter, ParsedNode } from "yaml";
import type * as z from "zod";
import type { Environment } from "../../config/environment.ts";
import { ConfigError } from "../../config/errors.ts";
import { readFile } from "../../config/load-file.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { readSpelling } from "./read-spelling.ts";
import { formatPath, issuesOf, type SettingIssue, type SettingPath } from "./setting-issues.ts";
import { isTable } from "./setting-shape.ts";
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
const maxFileBytes = 4 * 1024 * 1024;

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
  const settings = judge(serverSettings, laid, { flags, cwd, folder, document });
  return {
    settings: { ...settings, data: resolve(cwd, settings.data) },
    file,
    unusedVariables: laid.unused,
  };
}

interface ReadDocument {
  readonly file: string;
  readonly value: unknown;
  lineOf(path: SettingPath): number | undefined;
}

interface Judged {
  readonly flags: ServeFlags;
  readonly cwd: string;
  readonly folder: string;
  readonly document: ReadDocument | undefined;
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
  throw invalid(
    issues.map((issue) => lineFor(issue, written, flags, document)).join("\n"),
    document,
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
  document: ReadDocument | undefined,
): string {
  const text = `${formatPath(path) || "the whole"}: ${message}`;
  if (path[0] === "listen" && flags.listen && flags.listen.length > 0) return `--listen: ${text}`;
  if (path[0] === "data" && flags.data !== undefined) return `--data: ${text}`;
  for (let length = path.length; length > 0; length--) {
    const variable = setBy.get(formatPath(path.slice(0, length)));
    if (variable !== undefined) return `${variable}: ${text}`;
  }
  if (!document) return text;
  const line = document.lineOf(path);
  return `${document.file}${line === undefined ? "" : `:${line}`}: ${text}`;
}

async function readDocument(file: string): Promise<ReadDocument> {
  const bytes = readFile(file);
  if (bytes.length > maxFileBytes) throw invalid(`${file}: expected at most 4 MiB`, { file });
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(bytes.toString("utf8"), {
    logLevel: "error", // else several documents are taken for one
    prettyErrors: false,
    lineCounter: lines,
    stringKeys: true,
    uniqueKeys: false, // ours says which one
  });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong) {
    const text = wrong.message.split("\n", 1)[0];
    throw invalid(`${file}:${lines.linePos(wrong.pos[0]).line}: not YAML: ${text}`, { file });
  }
  const twice = findTwice(yaml, document.contents, []);
  if (twice) {
    const line = lines.linePos(twice.at).line;
    throw invalid(`${file}:${line}: ${formatPath(twice.path)}: expected once, found twice`, {
      file,
    });
  }
  return {
    file,
    value: plainValue(() => document.toJS({ maxAliasCount: 100 }), file),
    lineOf: (path) => lineOf((part) => document.getIn(part, true), lines, path),
  };
}

/** The first member that its mapping has already. */
function findTwice(
  yaml: typeof import("yaml"),
  node: ParsedNode | null,
  path: SettingPath,
): { readonly path: SettingPath; readonly at: number } | undefined {
  if (yaml.isSeq(node)) {
    return node.items
      .map((item, index) => findTwice(yaml, item as ParsedNode, [...path, index]))
      .find((found) => found !== undefined);
  }
  if (!yaml.isMap(node)) return undefined;
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    const name = yaml.isScalar(key) ? String(key.value) : "";
    if (seen.has(name)) return { path: [...path, name], at: key.range?.[0] ?? 0 };
    seen.add(name);
    const below = findTwice(yaml, value as ParsedNode | null, [...path, name]);
    if (below) return below;
  }
  return undefined;
}

/** An empty file is as good as none. */
function plainValue(read: () => unknown, file: string): unknown {
  try {
    return read() ?? {};
  } catch (error) {
    throw invalid(`${file}: ${error instanceof Error ? error.message : String(error)}`, { file });
  }
}

/** Of what is not there, the line of what it should be in. */
function lineOf(
  nodeAt: (path: SettingPath) => unknown,
  lines: LineCounter,
  path: SettingPath,
): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(path.slice(0, length));
    if (typeof node !== "object" || node === null || !("range" in node)) continue;
    const [start] = (node.range ?? []) as readonly number[];
    if (start !== undefined) return lines.linePos(start).line;
  }
  return undefined;
}

function invalid(message: string, at: { readonly file: string } | undefined): ConfigError {
  return new ConfigError("config.invalid", message, { ...(at && { file: at.file }) });
}
