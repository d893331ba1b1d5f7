import { ConfigError } from "./errors.ts";

/** A value of the flat kind of YAML: text, a list of texts, or nothing. */
export type FlatValue = string | readonly string[] | undefined;

/*
 * line   = [ entry | item ] [ " #" comment ]          also: "---" before everything, "..." after it
 * entry  = key ":" [ " " ( scalar | "[" [ scalar *( "," scalar ) [ "," ] ] "]" ) ]
 * item   = *" " "- " scalar                           after an entry without a value
 * scalar = plain | '"' plain '"' | "'" plain "'"      plain: letters, digits, "_", ".", "-"
 */

/**
 * Reads YAML that is no more than named texts and lists of texts. Everything else of YAML is refused, never misread.
 *
 * @throws {ConfigError} `config.invalid`, naming the line
 */
export function parseFlatYaml(text: string): ReadonlyMap<string, FlatValue> {
  const reader = new Reader();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, "").trimEnd();
    if (line === "...") break;
    if (line !== "") reader.line(line, index);
  }
  return reader.values;
}

class Reader {
  readonly values = new Map<string, FlatValue>();
  /** The member that may have items below it. */
  #open: string | undefined;

  line(line: string, index: number): void {
    if (line === "---" && this.values.size === 0) return;
    const item = /^ *- +(\S.*)$/.exec(line)?.[1];
    if (item === undefined) this.#entry(line, index);
    else this.#item(item, index);
  }

  #item(text: string, index: number): void {
    if (this.#open === undefined) throw refused(index);
    const items = this.values.get(this.#open) ?? [];
    this.values.set(this.#open, [...items, scalar(text, index)]);
  }

  #entry(line: string, index: number): void {
    const [, key, rest] = /^([A-Za-z][\w-]*):(?: +(\S.*))?$/.exec(line) ?? [];
    if (key === undefined || this.values.has(key)) throw refused(index);
    this.#open = rest === undefined ? key : undefined;
    this.values.set(key, rest === undefined ? undefined : flow(rest, index));
  }
}

function flow(text: string, index: number): string | readonly string[] {
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  if (inner === undefined) return scalar(text, index);
  const items = inner.split(",").map((item) => item.trim());
  if (items.at(-1) === "") items.pop();
  return items.map((item) => scalar(item, index));
}

function scalar(text: string, index: number): string {
  const [, quoted, single, plain] = /^(?:"([\w.-]*)"|'([\w.-]*)'|([\w.][\w.-]*))$/.exec(text) ?? [];
  const value = quoted ?? single ?? plain;
  if (value === undefined) throw refused(index);
  return value;
}

function refused(index: number): ConfigError {
  return new ConfigError("config.invalid", `line ${index + 1}: neither a text nor a list of texts`);
}
