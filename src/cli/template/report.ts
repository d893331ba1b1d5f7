import { TemplateError } from "./error.ts";
import { executeTemplate } from "./execute.ts";
import { functions } from "./functions.ts";
import { type GoValue, goAny, sliceOf } from "./go-type.ts";
import { type ParsedTemplate, parseTemplate } from "./parser.ts";
import { alignTable } from "./table.ts";

const TABLE = "table ";

/**
 * What `--format` makes of a value: the template runs once for it, as if over a list of one. `\n` and `\t` stand for
 * themselves, the text gets a line end; `table ` in front aligns the columns.
 *
 * @throws {TemplateError}
 */
export function renderReport(name: string, format: string, value: GoValue): string {
  const isTable = format.startsWith(TABLE);
  const template = parse(name, isTable ? tableTemplates(format) : plainTemplates(format));
  const list: GoValue = { type: sliceOf(goAny), raw: [value] };
  const finish = (text: string) => (isTable ? alignTable(text) : text);
  try {
    return finish(executeTemplate(template, list));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(error.message, finish(error.printed));
  }
}

/** The text with its escapes made real may not parse (a line end in quotes): then it is taken as it was given. */
function parse(name: string, [prepared, plain]: readonly [string, string]): ParsedTemplate {
  const knows = (fn: string) => Object.hasOwn(functions, fn);
  try {
    return parseTemplate(name, prepared, knows);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return parseTemplate(name, plain, knows);
  }
}

function tableTemplates(format: string): readonly [string, string] {
  const rest = format.slice(TABLE.length);
  const tabbed = rest
    .replaceAll(TABLE, "")
    .replaceAll("\\n", "\n")
    .replaceAll("\\t", "\t")
    .replaceAll(" ", "\t");
  return [ranged(withLineEnd(tabbed)), ranged(rest)];
}

function plainTemplates(format: string): readonly [string, string] {
  const real = withLineEnd(format.replaceAll("\\n", "\n").replaceAll("\\t", "\t"));
  return [enforceRange(real), enforceRange(format)];
}

function withLineEnd(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** A template that goes over the list itself is left alone. */
function enforceRange(text: string): string {
  return /\{\{\s*range\s*\.\s*\}\}.*\{\{\s*end\s*-?\s*\}\}/s.test(text) ? text : ranged(text);
}

function ranged(text: string): string {
  return `{{range .}}${text}{{end -}}`;
}
