import { resolve } from "node:path";
import type * as z from "zod";
import type { SettingIssue, SettingPath } from "./setting-issues.ts";
import {
  chosenOption,
  isTable,
  type SettingMember,
  type SettingShape,
  settingShape,
} from "./setting-shape.ts";

/** What was written, in the keys of the schema, and what it knows no key for. */
export interface ReadSpelling {
  readonly value: unknown;
  readonly issues: readonly SettingIssue[];
}

/**
 * Gives the members of a parsed file the names that their schema has for them (`max-bytes` → `maxBytes`), and paths the
 * folder that they are seen from. Other values stay as they are, the schema judges those; but what is to be taken as it was
 * written is asked of `writtenAt`.
 */
export function readSpelling(
  schema: z.core.$ZodType,
  value: unknown,
  folder: string,
  writtenAt: (path: SettingPath) => string | undefined = () => undefined,
): ReadSpelling {
  const reader = new SpellingReader(folder, writtenAt);
  return { value: reader.read(schema, value, []), issues: reader.issues };
}

class SpellingReader {
  readonly issues: SettingIssue[] = [];
  readonly #folder: string;
  readonly #writtenAt: (path: SettingPath) => string | undefined;

  constructor(folder: string, writtenAt: (path: SettingPath) => string | undefined) {
    this.#folder = folder;
    this.#writtenAt = writtenAt;
  }

  read(schema: z.core.$ZodType, written: unknown, path: SettingPath): unknown {
    const shape = settingShape(schema);
    if (shape.kind === "choice") {
      const option = chosenOption(shape.options, written);
      return option ? this.read(option, written, path) : written;
    }
    if (shape.kind === "value") return this.#value(shape, written, path);
    if (shape.kind === "list") {
      if (!Array.isArray(written)) return written;
      return written.map((item, index) => this.read(shape.element, item, [...path, index]));
    }
    if (!isTable(written)) return written;
    const members = Object.entries(written);
    if (shape.kind === "section") return this.#section(shape.members, members, path);
    return Object.fromEntries(
      members.map(([name, item]) => [name, this.read(shape.value, item, [...path, name])]),
    );
  }

  #value(
    { isPath, asWritten }: Extract<SettingShape, { readonly kind: "value" }>,
    written: unknown,
    path: SettingPath,
  ): unknown {
    if (asWritten && (typeof written === "number" || typeof written === "boolean"))
      return this.#writtenAt(path) ?? written;
    return isPath && isUsablePath(written) ? resolve(this.#folder, written) : written;
  }

  #section(
    known: ReadonlyMap<string, SettingMember>,
    members: readonly (readonly [string, unknown])[],
    path: SettingPath,
  ): unknown {
    const read: [string, unknown][] = [];
    for (const [name, item] of members) {
      const member = known.get(name);
      if (member) read.push([member.key, this.read(member.schema, item, [...path, name])]);
      else
        this.issues.push({
          path: [...path, name],
          message: unknownMember(name, [...known.keys()]),
        });
    }
    return Object.fromEntries(read);
  }
}

function isUsablePath(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0");
}

function unknownMember(name: string, members: readonly string[]): string {
  const plain = (text: string) => text.replaceAll(/[-_]/g, "").toLowerCase();
  const near = members.find((member) => plain(member) === plain(name));
  return `unknown member, expected ${near ?? `one of ${members.join(", ")}`}`;
}
