import type * as z from "zod";

/** A schema seen as what a person may write: what is not one of the first four is a single value. */
export type SettingShape =
  | { readonly kind: "section"; readonly members: ReadonlyMap<string, SettingMember> }
  | { readonly kind: "table"; readonly value: z.core.$ZodType }
  | { readonly kind: "list"; readonly element: z.core.$ZodType }
  | { readonly kind: "choice"; readonly options: readonly z.core.$ZodType[] }
  | {
      readonly kind: "value";
      readonly type: "boolean" | "number" | "text";
      readonly isPath: boolean;
      /** What was written counts, and not what YAML takes it for: `3.10` is no number. */
      readonly asWritten: boolean;
    };

/** A member of a section, by the name that it has in the file. */
export interface SettingMember {
  readonly key: string;
  readonly schema: z.core.$ZodType;
}

/** `maxBytes` → `max-bytes`: as it stands in the file. */
export function inFile(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A list may have a hundred thousand elements, each asked for the shape of the same schema. */
const known = new WeakMap<z.core.$ZodType, SettingShape>();

/** What of a schema matters to whoever writes the file; wrappers (defaults, transforms, …) are seen through. */
export function settingShape(schema: z.core.$ZodType): SettingShape {
  const found = known.get(schema) ?? makeShape(schema);
  known.set(schema, found);
  return found;
}

function makeShape(schema: z.core.$ZodType): SettingShape {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return { kind: "section", members: membersOf(def.shape) };
    case "record":
      return { kind: "table", value: def.valueType };
    case "array":
      return { kind: "list", element: def.element };
    case "union":
      return unionShape(def.options);
    case "pipe":
      return settingShape(def.in);
    case "lazy":
      return settingShape(def.getter());
    case "optional":
    case "nullable":
    case "nonoptional":
    case "default":
    case "prefault":
    case "readonly":
    case "catch":
      return settingShape(def.innerType);
    case "boolean":
      return { kind: "value", type: "boolean", isPath: false, asWritten: false };
    case "number":
      return { kind: "value", type: "number", isPath: false, asWritten: false };
    default:
      return {
        kind: "value",
        type: "text",
        isPath: saysOf(schema, "path"),
        asWritten: saysOf(schema, "asWritten"),
      };
  }
}

/** Of a choice, the option that this value is meant for: the one whose words (`type: gpg`) are those of the value. */
export function chosenOption(
  options: readonly z.core.$ZodType[],
  value: unknown,
): z.core.$ZodType | undefined {
  const fits = (option: z.core.$ZodType) => {
    const shape = settingShape(option);
    if (Array.isArray(value)) return shape.kind === "list";
    if (!isTable(value)) return shape.kind === "value";
    if (shape.kind !== "section") return false;
    return [...shape.members].every(([name, { schema }]) => {
      const word = literalOf(schema);
      return word === undefined || word === value[name];
    });
  };
  const sections = options.filter((option) => settingShape(option).kind === "section");
  return options.find(fits) ?? (isTable(value) ? sections[0] : undefined);
}

/** Whether it is a mapping of YAML. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function membersOf(shape: Readonly<Record<string, z.core.$ZodType>>) {
  return new Map(Object.entries(shape).map(([key, schema]) => [inFile(key), { key, schema }]));
}

/** Several spellings of one value are one value. */
function unionShape(options: readonly z.core.$ZodType[]): SettingShape {
  const shapes = options.map(settingShape);
  const isValue = shapes.every(({ kind }) => kind === "value");
  if (!isValue) return { kind: "choice", options };
  return { kind: "value", type: "text", isPath: false, asWritten: false };
}

function literalOf(schema: z.core.$ZodType): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "literal") return def.values[0];
  return undefined;
}

/** What a value says of itself: `filePath()`, `writtenText()`. */
function saysOf(schema: z.core.$ZodType, word: string): boolean {
  const meta = (schema as { meta?: () => Readonly<Record<string, unknown>> | undefined }).meta?.();
  return meta?.[word] === true;
}
