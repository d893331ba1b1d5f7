import type * as z from "zod";
import { escapeControls } from "../core/go-quote.ts";
import { chosenOption, inFile, settingShape } from "./setting-shape.ts";

/** Members and positions, from the outermost. */
export type SettingPath = readonly (string | number)[];

/** One thing that is wrong with the settings, by the names that they have in the file. */
export interface SettingIssue {
  readonly path: SettingPath;
  /** `expected …`, or `unknown member`. */
  readonly message: string;
}

/** `access.rules[0].users`; a member whose name has a dot in it is quoted. */
export function formatPath(path: SettingPath): string {
  const text = path.map((part) => {
    if (typeof part === "number") return `[${part}]`;
    return /^[\w@*-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  });
  return escapeControls(text.join("").replace(/^\./, ""));
}

/** What zod has found, in the file's names, what was found beside what was expected. */
export function issuesOf(
  schema: z.core.$ZodType,
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
): readonly SettingIssue[] {
  return issues.flatMap((issue) => {
    const path = pathInFile(schema, issue.path.filter(isPart));
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: [...path, key], message: "unknown member" }));
    const meant = issue.code === "invalid_union" ? issuesOfMeant(schema, issue, value) : [];
    if (meant.length > 0) return meant;
    if (issue.code === "invalid_key")
      return [{ path, message: issue.issues[0]?.message ?? "expected another name" }];
    return [{ path, message: withFound(messageOf(issue), valueAt(value, path)) }];
  });
}

/** What is wrong with the one of several forms that a mapping or a list was meant to have. */
function issuesOfMeant(
  schema: z.core.$ZodType,
  issue: z.core.$ZodIssue & { readonly code: "invalid_union" },
  value: unknown,
): readonly SettingIssue[] {
  const path = issue.path.filter(isPart);
  const at = schemaAt(schema, path);
  const found = valueAt(value, pathInFile(schema, path));
  const shape = at && settingShape(at);
  if (shape?.kind !== "choice") return [];
  const option = chosenOption(shape.options, found);
  const inner = issue.errors[option ? shape.options.indexOf(option) : -1] ?? [];
  const isForm = typeof found === "object" || inner.every(({ code }) => code === "custom");
  if (!isForm) return [];
  const whole = inner.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
  return issuesOf(schema, whole as readonly z.core.$ZodIssue[], value);
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith("expected")) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values
        .map(String)
        .join(", ")
        .replace(/, ([^,]*)$/, " or $1")}`;
    case "too_small":
      return `expected at least ${issue.minimum}`;
    case "too_big":
      return `expected at most ${issue.maximum}`;
    default:
      return `expected something else: ${issue.message}`;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "a text",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

function withFound(message: string, found: unknown): string {
  if (found === undefined) return `${message}, found nothing`;
  if (found === null) return `${message}, found nothing (an empty mapping is {})`;
  if (Array.isArray(found)) return `${message}, found a list`;
  if (typeof found === "object") return `${message}, found a mapping`;
  return `${message}, found ${JSON.stringify(typeof found === "string" ? withoutUser(found) : found)}`;
}

/** A URL may have a password in it. */
function withoutUser(text: string): string {
  return text.replaceAll(/\/\/[^/?#\s]*@/g, "//***@");
}

function isPart(part: PropertyKey): part is string | number {
  return typeof part !== "symbol";
}

/** Of a path in a schema's keys, that in the file's. */
function pathInFile(schema: z.core.$ZodType, path: SettingPath): SettingPath {
  const [first, ...rest] = path;
  if (first === undefined) return [];
  const shape = settingShape(schema);
  switch (shape.kind) {
    case "section": {
      const member = shape.members.get(inFile(String(first)));
      const name = member?.key === first ? inFile(member.key) : first;
      return [name, ...(member ? pathInFile(member.schema, rest) : rest)];
    }
    case "table":
      return [first, ...pathInFile(shape.value, rest)];
    case "list":
      return [first, ...pathInFile(shape.element, rest)];
    case "choice": {
      const option = optionWith(shape.options, first);
      return option ? pathInFile(option, path) : path;
    }
    case "value":
      return path;
  }
}

/** What a value at that path, in the schema's keys, is to be. */
function schemaAt(schema: z.core.$ZodType, path: SettingPath): z.core.$ZodType | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  const shape = settingShape(schema);
  switch (shape.kind) {
    case "section": {
      const member = shape.members.get(inFile(String(first)));
      return member && schemaAt(member.schema, rest);
    }
    case "table":
      return schemaAt(shape.value, rest);
    case "list":
      return schemaAt(shape.element, rest);
    case "choice": {
      const option = optionWith(shape.options, first);
      return option && schemaAt(option, path);
    }
    case "value":
      return undefined;
  }
}

function optionWith(
  options: readonly z.core.$ZodType[],
  part: string | number,
): z.core.$ZodType | undefined {
  const isMeant = (option: z.core.$ZodType) =>
    typeof part === "number" ? settingShape(option).kind === "list" : hasMember(option, part);
  return options.find(isMeant) ?? options[0];
}

function hasMember(schema: z.core.$ZodType, key: string | number): boolean {
  const shape = settingShape(schema);
  if (shape.kind !== "section") return false;
  return shape.members.get(inFile(String(key)))?.key === key;
}

function valueAt(value: unknown, path: SettingPath): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Readonly<Record<string | number, unknown>>)[part];
  }
  return at;
}
