import { type GoType, goString } from "../template/go-type.ts";
import { renderReport } from "../template/report.ts";
import { tableText } from "./table.ts";

/** How rows of text are printed. */
export interface RowReport {
  /** The command, for errors in a template. */
  readonly name: string;
  /** A Go template; `table` before it asks for headings. */
  readonly format: string;
  readonly heading: boolean;
  /** What heads a column. */
  readonly headings: Readonly<Record<string, string>>;
  /** What a row is, where it is more than texts under the names of the headings. */
  readonly type?: GoType;
}

const table = /^table\s+/;

/**
 * What a Go template makes of each row, a line each.
 *
 * @throws {TemplateError}
 */
export function renderRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  { name, format, heading, headings, type: rowType }: RowReport,
): string {
  const isTable = table.test(format);
  const template = isTable ? columnsOf(format) : format;
  const texts = typeOf(Object.keys(headings));
  const shown = rows.map((raw) => ({ type: rowType ?? texts, raw }));
  const head = isTable && heading ? [{ type: texts, raw: headings }] : [];
  const lines = [...head, ...shown].map((row) => renderReport(name, template, row));
  if (!isTable) return lines.join("");
  return tableText(lines.map((line) => line.trimEnd().split("\t")));
}

/** In a table, what stands apart is a column of its own. */
function columnsOf(format: string): string {
  return format
    .replace(table, "")
    .trim()
    .replaceAll("\\t", "\t")
    .replaceAll(/\}\}\s+\{\{/g, "}}\t{{");
}

function typeOf(keys: readonly string[]): GoType {
  const fields = keys.map((key) => ({ name: key, key, type: goString }));
  return { name: "entities.Row", kind: "struct", fields };
}
