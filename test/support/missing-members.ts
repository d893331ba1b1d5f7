import type * as z from "zod";
import { chosenOption, settingShape } from "../../src/config/setting-shape.ts";

/** Members of the schema that `value` does not have, and none of its neighbours in a list or a table. */
export function missingMembers(
  schema: z.core.$ZodType,
  value: unknown,
  path = "",
): readonly string[] {
  const shape = settingShape(schema);
  if (shape.kind === "choice") {
    const option = chosenOption(shape.options, value);
    return option ? missingMembers(option, value, path) : [];
  }
  if (shape.kind === "table")
    return missingOfAll(shape.value, Object.values(value as object), `${path}.*`);
  if (shape.kind === "list")
    return missingOfAll(shape.element, value as readonly unknown[], `${path}[]`);
  if (shape.kind !== "section") return [];
  const members = value as Readonly<Record<string, unknown>>;
  return [...shape.members].flatMap(([name, member]) => {
    const at = path === "" ? name : `${path}.${name}`;
    return name in members ? missingMembers(member.schema, members[name], at) : [at];
  });
}

/** What none of them has. */
function missingOfAll(
  schema: z.core.$ZodType,
  items: readonly unknown[],
  path: string,
): readonly string[] {
  const some = items.map((item) => missingMembers(schema, item, path));
  return (some[0] ?? []).filter((name) => some.every((names) => names.includes(name)));
}
