import type * as z from "zod";
import type { SettingPath } from "./setting-issues.ts";
import { chosenOption, isTable, type SettingShape, settingShape } from "./setting-shape.ts";

/** A text that its schema says something of, and where it stands in the file. */
export interface MarkedText {
  readonly path: SettingPath;
  readonly text: string;
}

/** The texts in a parsed file whose schema carries that mark in its metadata. */
export function* markedTexts(
  schema: z.core.$ZodType,
  value: unknown,
  mark: string,
  path: SettingPath = [],
): Generator<MarkedText> {
  const shape = settingShape(schema);
  if (shape.kind === "choice") {
    const option = chosenOption(shape.options, value);
    if (option) yield* markedTexts(option, value, mark, path);
  } else if (shape.kind === "value") {
    if (typeof value === "string" && isMarked(schema, mark)) yield { path, text: value };
  } else {
    for (const [name, member, item] of membersOf(shape, value))
      yield* markedTexts(member, item, mark, [...path, name]);
  }
}

type Member = readonly [name: string | number, schema: z.core.$ZodType, value: unknown];

function membersOf(shape: SettingShape, value: unknown): readonly Member[] {
  if (shape.kind === "list") {
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    return items.map((item, index): Member => [index, shape.element, item]);
  }
  const members = isTable(value) ? Object.entries(value) : [];
  return members.flatMap(([name, item]): readonly Member[] => {
    if (shape.kind === "table") return [[name, shape.value, item]];
    const schema = shape.kind === "section" ? shape.members.get(name)?.schema : undefined;
    return schema ? [[name, schema, item]] : [];
  });
}

function isMarked(schema: z.core.$ZodType, mark: string): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "pipe") return isMarked(def.in, mark);
  const meta = (schema as { meta?: () => Readonly<Record<string, unknown>> | undefined }).meta?.();
  return meta?.[mark] === true;
}
