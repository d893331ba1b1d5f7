import { UsageError } from "../../core/errors.ts";
import { parseGoBool } from "../go-values.ts";
import type { ImageRow } from "./image-rows.ts";

/** Whether a row is to be shown. */
export type RowFilter = (row: ImageRow) => boolean;

const makers: Readonly<Record<string, (value: string) => RowFilter>> = {
  dangling(value) {
    const wanted = parseGoBool(value);
    return ({ image }) => (image.record.names.length === 0) === wanted;
  },
  label(value) {
    const [key = ""] = value.split("=", 1);
    const wanted = value.includes("=") ? value.slice(key.length + 1) : undefined;
    return ({ image }) => {
      const found = image.config?.config?.Labels?.get(key);
      return found !== undefined && (wanted === undefined || found === wanted);
    };
  },
  reference(value) {
    const pattern = patternOf(value);
    return ({ repository, tag }) => {
      const [, path = ""] = /^[^/]*\/(.*)$/.exec(repository) ?? [];
      const last = repository.slice(repository.lastIndexOf("/") + 1);
      const names = [repository, path, last].flatMap((name) => [name, `${name}:${tag}`]);
      return names.some((name) => pattern.test(name));
    };
  },
};

/** Of a name: `*` stands for anything but a slash, `?` for one such character. */
function patternOf(text: string): RegExp {
  const escaped = text.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}$`);
}

/** All of the conditions together. @throws {UsageError} `usage.bad-flag` for one that there is not */
export function rowFilter(conditions: readonly string[]): RowFilter {
  const filters = conditions.map((condition) => {
    const [name = ""] = condition.split("=", 1);
    const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
    if (make && condition.includes("=")) return make(condition.slice(name.length + 1));
    throw new UsageError("usage.bad-flag", `invalid image filter ${JSON.stringify(condition)}`, {
      hint: `Filter by one of ${Object.keys(makers).join(", ")}: dangling=true`,
    });
  });
  return (row) => filters.every((fits) => fits(row));
}
