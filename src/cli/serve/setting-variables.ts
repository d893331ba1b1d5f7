import { resolve } from "node:path";
import type * as z from "zod";
import { formatPath, type SettingPath } from "../../config/setting-issues.ts";
import { chosenOption, isTable, settingShape } from "../../config/setting-shape.ts";

/** Settings with those of the environment over them. */
export interface WithVariables {
  readonly value: unknown;
  /** By the path of what it sets, the variable that does. */
  readonly setBy: ReadonlyMap<string, string>;
  /** Variables of ours that set nothing that there is. */
  readonly unused: readonly string[];
}

/** What the environment may set: `prefix` begins the names, paths are seen from `folder`. */
export interface Variables {
  readonly prefix: string;
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/**
 * Lays variables over settings, in the names of the file: `cache.max-bytes` is `PREFIX_CACHE_MAX_BYTES`, the first of
 * `upstreams` begins with `PREFIX_UPSTREAMS_0_`, members of tables are found by the names that the file gives them. A
 * list of values is written with commas.
 */
export function withVariables(
  schema: z.core.$ZodType,
  value: unknown,
  variables: Variables,
): WithVariables {
  const { prefix, values, folder } = variables;
  const names = Object.keys(values).filter((name) => name.startsWith(`${prefix}_`) && values[name]);
  const setBy = new Map<string, string>();
  const lay = (at: z.core.$ZodType, under: unknown, name: string, path: SettingPath): unknown => {
    if (!names.some((each) => each === name || each.startsWith(`${name}_`))) return under;
    const shape = settingShape(at);
    const layMember = (part: string | number, member: z.core.$ZodType, item: unknown) =>
      lay(member, item, `${name}_${inVariable(String(part))}`, [...path, part]);
    switch (shape.kind) {
      case "section": {
        const members = [...shape.members].map(
          ([part, { schema: member }]) => [part, member] as const,
        );
        return layTable(under, members, layMember);
      }
      case "table":
        return layTable(
          under,
          keysOf(under).map((key) => [key, shape.value] as const),
          layMember,
        );
      case "choice": {
        const option = chosenOption(shape.options, under) ?? shape.options.find(isValue);
        return option ? lay(option, under, name, path) : under;
      }
      case "list": {
        const text = values[name];
        if (text === undefined) return layList(under, shape.element, layMember, names, name);
        setBy.set(formatPath(path), name);
        return text.split(",").map((item) => typedValue(shape.element, item.trim(), folder));
      }
      case "value": {
        const text = values[name];
        if (text === undefined) return under;
        setBy.set(formatPath(path), name);
        return typedValue(at, text, folder);
      }
    }
  };
  const laid = lay(schema, value, prefix, []);
  const used = new Set(setBy.values());
  return { value: laid, setBy, unused: names.filter((name) => !used.has(name)) };
}

type LayMember = (part: string | number, schema: z.core.$ZodType, under: unknown) => unknown;

function layTable(
  under: unknown,
  members: readonly (readonly [string, z.core.$ZodType])[],
  lay: LayMember,
): unknown {
  if (under !== undefined && under !== null && !isTable(under)) return under;
  const laid: Record<string, unknown> = { ...under };
  for (const [part, schema] of members) {
    const item = lay(part, schema, under?.[part]);
    if (item !== undefined) laid[part] = item;
  }
  return laid;
}

/** Those that are there, and those behind them that variables begin. */
function layList(
  under: unknown,
  element: z.core.$ZodType,
  lay: LayMember,
  names: readonly string[],
  name: string,
): unknown {
  if (under !== undefined && !Array.isArray(under)) return under;
  const laid: unknown[] = [...(under ?? [])];
  for (let index = 0; index < laid.length || begins(names, `${name}_${index}`); index++) {
    laid[index] = lay(index, element, laid[index]);
  }
  return laid;
}

function begins(names: readonly string[], start: string): boolean {
  return names.some((name) => name === start || name.startsWith(`${start}_`));
}

function keysOf(value: unknown): readonly string[] {
  return isTable(value) ? Object.keys(value) : [];
}

function isValue(schema: z.core.$ZodType): boolean {
  return settingShape(schema).kind === "value";
}

/** Text that is no value of its type stays text: the schema refuses it, and says what it expected. */
function typedValue(schema: z.core.$ZodType, text: string, folder: string): unknown {
  const shape = settingShape(schema);
  if (shape.kind !== "value") return text;
  if (shape.type === "boolean") return text === "true" || (text === "false" ? false : text);
  if (shape.type === "number") return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  return shape.isPath ? resolve(folder, text) : text;
}

function inVariable(part: string): string {
  return part.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}
