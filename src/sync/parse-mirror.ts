import { dirname } from "node:path";
import type * as z from "zod";
import { markedTexts } from "../config/marked-texts.ts";
import { readSpelling } from "../config/read-spelling.ts";
import { issuesOf, type SettingIssue } from "../config/setting-issues.ts";
import { isTable } from "../config/setting-shape.ts";
import {
  invalidSettings,
  issueLines,
  parseSettingsDocument,
  type SettingsDocument,
} from "../config/settings-document.ts";
import { KnownError } from "../core/errors.ts";
import type { Platform } from "../core/platform.ts";
import { type HostSettings, hostOf } from "./host-settings.ts";
import type { Mirror } from "./mirror.ts";
import { type MirrorSettings, mirrorSettings, regexMark } from "./mirror-settings.ts";
import { rulesOfSettings } from "./rules-of-settings.ts";
import {
  type SkopeoSettings,
  type SkopeoWish,
  skopeoRules,
  skopeoSettings,
} from "./skopeo-yaml.ts";

/** A specification, read: what is to be mirrored, and what it says of how that is reached and run. */
export interface MirrorDocument {
  readonly language: "amphora" | "skopeo";
  readonly mirror: Mirror;
  /** By the names of the rules' ends; those that are not here are as for any other run. */
  readonly hosts: ReadonlyMap<string, HostSettings>;
  /** Images under way at once. */
  readonly parallel?: number;
  readonly keepGoing?: boolean;
}

/** What a specification does not say itself. */
export interface ParseMirrorOptions {
  /** What errors call it: its path, or where else it comes from. */
  readonly file: string;
  /** That paths in it are seen from; the file's own, unless told. */
  readonly folder?: string;
  /** The platform that "system" means. */
  readonly platform: Platform;
  /** What has more is not looked at: it is from somebody who has us work. */
  readonly most?: { readonly values: number; readonly patterns: number };
  /** Where images of skopeo's files go, which do not say so; without it they are not taken. */
  readonly skopeo?: SkopeoWish;
}

/**
 * Reads a specification: YAML or JSON as text, or a value that was one; of ours, or of skopeo's, which has registries for
 * its keys.
 *
 * @throws {ConfigError} `config.invalid`, with a line `FILE:LINE: path: expected …` for everything that is wrong
 */
export async function parseMirror(
  written: string | { readonly value: unknown },
  options: ParseMirrorOptions,
): Promise<MirrorDocument> {
  const { file, most } = options;
  const document: SettingsDocument =
    typeof written === "string"
      ? await parseSettingsDocument(written, file, { merges: true })
      : { file, value: written.value, lineOf: () => undefined, writtenAt: () => undefined };
  if (most) refuseMore(most, document);
  if (!isSkopeos(document.value)) return await ourDocument(document, options);
  if (options.skopeo) return await skopeoDocument(document, options, options.skopeo);
  throw invalidSettings(
    [`${file}: expected mirrors; skopeo's files do not say where images go`],
    file,
  );
}

function refuseMore(
  { values, patterns }: NonNullable<ParseMirrorOptions["most"]>,
  { file, value }: SettingsDocument,
): void {
  if (!hasAtMost(values, value))
    throw invalidSettings([`${file}: expected at most ${values} values`], file);
  // Each takes milliseconds to be compiled.
  if ([...markedTexts(mirrorSettings, value, regexMark).take(patterns + 1)].length > patterns)
    throw invalidSettings([`${file}: expected at most ${patterns} regular expressions`], file);
}

/** Values of lists and mappings; one that stands for many (an alias) counts as often. */
function hasAtMost(most: number, value: unknown): boolean {
  const left = [value];
  for (let count = 0; left.length > 0; count++) {
    if (count + left.length > most) return false;
    const next = left.pop();
    if (typeof next === "object" && next !== null)
      for (const each of Object.values(next)) left.push(each);
  }
  return true;
}

/** Lines are looked for of so many. */
const maxIssues = 1000;
const skopeoMembers = ["images", "images-by-tag-regex", "images-by-semver"];

/** Its keys are registries: `mirrors` is none, and neither is what has none of its members. */
function isSkopeos(value: unknown): boolean {
  if (!isTable(value) || "mirrors" in value) return false;
  return Object.values(value).some(
    (member) => isTable(member) && skopeoMembers.some((name) => name in member),
  );
}

async function ourDocument(
  document: SettingsDocument,
  options: ParseMirrorOptions,
): Promise<MirrorDocument> {
  const { folder = dirname(options.file), platform } = options;
  const { settings, ...wrong } = await judge<MirrorSettings>(mirrorSettings, document, folder);
  const found = settings && rulesOfSettings(settings, { folder, platform });
  refuse([...wrong.issues, ...(found?.issues ?? [])], wrong.left, document);
  if (!settings || !found)
    throw invalidSettings([`${options.file}: expected mirrors`], options.file);
  const { hosts, parallel, keepGoing } = settings;
  return {
    language: "amphora",
    mirror: { rules: found.rules },
    hosts: new Map(Object.entries(hosts).map(([name, host]) => [name, hostOf(host)])),
    ...(parallel !== undefined && { parallel }),
    ...(keepGoing !== undefined && { keepGoing }),
  };
}

async function skopeoDocument(
  document: SettingsDocument,
  options: ParseMirrorOptions,
  wish: SkopeoWish,
): Promise<MirrorDocument> {
  const { folder = dirname(options.file) } = options;
  const { settings, ...wrong } = await judge<SkopeoSettings>(skopeoSettings, document, folder);
  const found = skopeoRules(settings ?? {}, wish);
  refuse([...wrong.issues, ...found.issues], wrong.left, document);
  return { language: "skopeo", mirror: { rules: found.rules }, hosts: found.hosts };
}

interface Judged<T> {
  readonly settings: T | undefined;
  readonly issues: readonly SettingIssue[];
  /** So many more were not looked at: a request may have a hundred thousand. */
  readonly left: number;
}

async function judge<T>(
  schema: z.ZodType<T>,
  { value, writtenAt }: SettingsDocument,
  folder: string,
): Promise<Judged<T>> {
  const spelled = readSpelling(schema, value, folder, writtenAt);
  const parsed = schema.safeParse(spelled.value);
  const wrong = parsed.error?.issues ?? [];
  const issues = [
    ...spelled.issues,
    ...issuesOf(schema, wrong.slice(0, maxIssues), value),
    ...(await patternIssues(schema, value)),
  ];
  return { settings: parsed.data, issues, left: Math.max(0, wrong.length - maxIssues) };
}

/** In the file's order. */
function refuse(issues: readonly SettingIssue[], left: number, document: SettingsDocument): void {
  if (issues.length === 0) return;
  const found = issues.slice(0, maxIssues);
  const inOrder = found
    .map((issue) => ({ issue, line: document.lineOf(issue.path) ?? 0 }))
    .toSorted((one, other) => one.line - other.line)
    .map(({ issue }) => issue);
  const more = issues.length - found.length + left;
  throw invalidSettings(issueLines(inOrder, document), document.file, more);
}

/** Expressions that RE2 does not take; it is loaded where there are any. */
async function patternIssues(
  schema: z.core.$ZodType,
  value: unknown,
): Promise<readonly SettingIssue[]> {
  const issues: SettingIssue[] = [];
  let re2: typeof import("./selection/re2.ts") | undefined;
  for (const { path, text } of markedTexts(schema, value, regexMark)) {
    if (issues.length === maxIssues) break;
    re2 ??= await import("./selection/re2.ts");
    try {
      re2.parsePattern(text);
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      const found = JSON.stringify(text);
      issues.push({
        path,
        message: `expected a regular expression (${error.message}), found ${found}`,
      });
    }
  }
  return issues;
}
