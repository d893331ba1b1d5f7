import { goString } from "../../core/go-json.ts";
import { entriesOf, fieldValue, type GoField, type GoValue, itemsOf } from "./go-type.ts";

/** A value as Go's encoding/json writes it with HTML escaping off: compact, struct members in order, map keys sorted. */
export function writeJson(value: GoValue | undefined): string {
  if (!value || value.raw === null || value.raw === undefined) return "null";
  const { type, raw } = value;
  switch (type.kind) {
    case "bool":
    case "int":
    case "float":
      return String(raw);
    case "string":
      return goString(String(raw), false);
    case "slice":
      return `[${itemsOf(value).map(writeJson).join(",")}]`;
    case "map":
      return writeMap(value);
    case "struct":
      return writeStruct(value);
    case "pointer":
      return type.element ? writeJson({ type: type.element, raw }) : "null";
    case "interface":
      return writeJson(raw as GoValue);
    default:
      return "null";
  }
}

function writeMap(value: GoValue): string {
  const members = entriesOf(value).map(
    ([key, item]) => `${goString(key, false)}:${writeJson(item)}`,
  );
  return `{${members.join(",")}}`;
}

function writeStruct({ type, raw }: GoValue): string {
  if (!type.fields) return goString(String(raw), false); // time.Time
  return `{${type.fields.flatMap((field) => writeField(field, raw)).join(",")}}`;
}

function writeField(field: GoField, raw: unknown): readonly string[] {
  if (field.embedded) return (field.type.fields ?? []).flatMap((inner) => writeField(inner, raw));
  const value = fieldValue(field, raw);
  if (field.omitEmpty && isEmpty(value)) return [];
  return [`${goString(field.key, false)}:${writeJson(value)}`];
}

function isEmpty(value: GoValue): boolean {
  switch (value.type.kind) {
    case "struct":
      return false;
    case "slice":
      return itemsOf(value).length === 0;
    case "map":
      return entriesOf(value).length === 0;
    default:
      return !value.raw;
  }
}
