import { comparisons } from "./compare.ts";
import { FunctionError, type GoFunction } from "./function.ts";
import {
  bool,
  entriesOf,
  type GoType,
  type GoValue,
  goAny,
  goInt,
  goString,
  goStrings,
  int,
  isTrue,
  itemsOf,
  text,
  unboxed,
} from "./go-type.ts";
import { writeJson } from "./json.ts";
import { goPrint, goPrintf, goPrintln } from "./printf.ts";

type Args = readonly (GoValue | undefined)[];

function ofTexts(call: (...texts: string[]) => string, parameters = 1): GoFunction {
  return {
    parameters: Array.from({ length: parameters }, () => goString),
    call: (args) => text(call(...args.map((arg) => String(arg?.raw)))),
  };
}

function ofAny(call: (args: Args) => string): GoFunction {
  return { parameters: [], rest: goAny, call: (args) => text(call(args)) };
}

/** The functions of text/template and those that skopeo adds; `and` and `or` are special and live in the executor. */
export const functions: Readonly<Record<string, GoFunction>> = {
  ...comparisons,
  and: { parameters: ["value"], rest: "value", call: () => undefined },
  or: { parameters: ["value"], rest: "value", call: () => undefined },
  call: { parameters: ["value"], rest: "value", call: () => undefined },
  not: { parameters: ["value"], call: ([value]) => bool(!isTrue(unboxed(value))) },
  len: { parameters: ["value"], call: ([value]) => int(length(unboxed(value))) },
  index: {
    parameters: ["value"],
    rest: "value",
    call: ([value, ...indexes]) => indexes.map(unboxed).reduce(indexOne, unboxed(value)),
  },
  slice: {
    parameters: ["value"],
    rest: "value",
    call: ([value, ...indexes]) => slice(unboxed(value), indexes.map(unboxed)),
  },
  print: ofAny(goPrint),
  println: ofAny(goPrintln),
  printf: {
    parameters: [goString],
    rest: goAny,
    call: ([format, ...args]) => text(goPrintf(String(format?.raw), args)),
  },
  html: ofAny((args) => escapeHtml(textOf(args))),
  js: ofAny((args) => escapeJs(textOf(args))),
  urlquery: ofAny((args) => escapeQuery(textOf(args))),
  join: {
    parameters: [goStrings, goString],
    call: ([list, separator]) =>
      text(
        list
          ? itemsOf(list)
              .map((item) => String(item.raw))
              .join(String(separator?.raw))
          : "",
      ),
  },
  json: { parameters: [goAny], call: ([value]) => text(writeJson(unboxed(value))) },
  lower: ofTexts((value) => mapCharacters(value, (c) => c.toLowerCase())),
  upper: ofTexts((value) => mapCharacters(value, (c) => c.toUpperCase())),
  title: ofTexts((value) =>
    value.replace(
      FIRST_LETTER,
      oneToOne((c) => c.toUpperCase()),
    ),
  ),
  split: {
    parameters: [goString, goString],
    call: ([value, separator]) => ({
      type: goStrings,
      raw: splitText(String(value?.raw), String(separator?.raw)),
    }),
  },
  pad: {
    parameters: [goString, goInt, goInt],
    call: ([value, before, after]) =>
      text(value?.raw === "" ? "" : padded(String(value?.raw), before, after)),
  },
  truncate: {
    parameters: [goString, goInt],
    call: ([value, length]) => text(truncate(String(value?.raw), Number(length?.raw))),
  },
};

/** What starts the text, or follows ASCII that is neither letter, digit nor underscore, or any white space. */
const FIRST_LETTER = /(?<=^|[\x00-/:-@[-^`{-\x7f]|\s)\p{L}/gu;

/** Go maps character by character: those that would become several stay, but for the dotted capital I. */
function oneToOne(map: (character: string) => string): (character: string) => string {
  return (character) => {
    if (character === "\u0130" && map("A") === "a") return "i";
    const mapped = map(character);
    return Array.from(mapped).length === 1 ? mapped : character;
  };
}

function mapCharacters(value: string, map: (character: string) => string): string {
  return Array.from(value, oneToOne(map)).join("");
}

function splitText(value: string, separator: string): readonly string[] {
  return separator === "" ? Array.from(value) : value.split(separator);
}

function padded(value: string, before: GoValue | undefined, after: GoValue | undefined): string {
  const spaces = (count: GoValue | undefined) => {
    const size = Number(count?.raw);
    if (size < 0) throw new FunctionError("strings: negative Repeat count");
    return " ".repeat(Math.min(size, 1 << 20));
  };
  return spaces(before) + value + spaces(after);
}

/** By bytes, as Go cuts strings. */
function truncate(value: string, length: number): string {
  const bytes = Buffer.from(value);
  if (length < 0) throw new FunctionError(`runtime error: slice bounds out of range [:${length}]`);
  return bytes.subarray(0, length).toString();
}

/** What html, js and urlquery work on: a single text as it is, else everything printed. */
function textOf(args: Args): string {
  const [first] = args.map(unboxed);
  if (args.length === 1 && first?.type.kind === "string") return String(first.raw);
  return args.length === 1 && !first ? "<no value>" : goPrint(args);
}

const HTML: Readonly<Record<string, string>> = {
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\0": "\ufffd",
};

function escapeHtml(value: string): string {
  return value.replace(/["'&<>\0]/g, (character) => HTML[character] ?? "");
}

function escapeJs(value: string): string {
  return value.replace(/[\\'"<>&=\x00-\x1f]|[^\x20-\x7f]/gu, (character) => {
    if ("\\'\"".includes(character)) return `\\${character}`;
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x80 && /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) return character;
    return `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

function escapeQuery(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function length(value: GoValue | undefined): number {
  if (!value) throw new FunctionError("reflect: call of reflect.Value.Type on zero Value");
  switch (value.type.kind) {
    case "string":
      return Buffer.byteLength(String(value.raw));
    case "slice":
      return itemsOf(value).length;
    case "map":
      return entriesOf(value).length;
    default:
      throw new FunctionError(`len of type ${value.type.name}`);
  }
}

function indexOne(value: GoValue | undefined, index: GoValue | undefined): GoValue | undefined {
  if (!value) throw new FunctionError("index of untyped nil");
  switch (value.type.kind) {
    case "slice":
      return itemsOf(value)[indexNumber(index, itemsOf(value).length)];
    case "string": {
      const bytes = Buffer.from(String(value.raw));
      const at = indexNumber(index, bytes.length);
      return { type: { name: "uint8", kind: "int" }, raw: BigInt(bytes[at] ?? 0) };
    }
    case "map":
      return indexMap(value, index);
    default:
      throw new FunctionError(`can't index item of type ${value.type.name}`);
  }
}

function indexMap(value: GoValue, index: GoValue | undefined): GoValue {
  if (!index) throw new FunctionError("value is nil; should be of type string");
  if (index.type.kind !== "string")
    throw new FunctionError(`value has type ${index.type.name}; should be string`);
  const element = value.type.element as GoType;
  const raw = (value.raw as ReadonlyMap<string, unknown> | null)?.get(String(index.raw));
  return { type: element, raw: raw ?? zeroOf(element) };
}

function zeroOf(type: GoType): unknown {
  return type.kind === "string" ? "" : type.kind === "struct" ? {} : null;
}

/** @throws {FunctionError} unless `index` is a number from 0 and at most `last` where `inclusive`, else below it */
function indexNumber(index: GoValue | undefined, last: number, inclusive = false): number {
  if (!index) throw new FunctionError("cannot index slice/array with nil");
  if (index.type.kind !== "int")
    throw new FunctionError(`cannot index slice/array with type ${index.type.name}`);
  const at = Number(index.raw);
  if (at < 0 || at > last || (at === last && !inclusive))
    throw new FunctionError(`index out of range: ${at}`);
  return at;
}

function slice(value: GoValue | undefined, indexes: Args): GoValue {
  if (!value) throw new FunctionError("slice of untyped nil");
  if (indexes.length > 3) throw new FunctionError(`too many slice indexes: ${indexes.length}`);
  const isText = value.type.kind === "string";
  if (isText && indexes.length === 3) throw new FunctionError("cannot 3-index slice a string");
  if (!isText && value.type.kind !== "slice")
    throw new FunctionError(`can't slice item of type ${value.type.name}`);
  const size = length(value);
  const bounds = indexes.map((index) => indexNumber(index, size, true));
  const [from = 0, to = size, most] = bounds;
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  if (most !== undefined && to > most)
    throw new FunctionError(`invalid slice index: ${to} > ${most}`);
  if (isText)
    return { ...value, raw: Buffer.from(String(value.raw)).subarray(from, to).toString() };
  return { ...value, raw: ((value.raw ?? []) as readonly unknown[]).slice(from, to) };
}
