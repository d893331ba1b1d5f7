import { goQuote, goQuoteAscii, goQuoteBack, goQuoteRune } from "../../core/go-quote.ts";
import { entriesOf, fieldValue, type GoValue, itemsOf } from "./go-type.ts";

/** What stands between `%` and the verb. */
export interface Verb {
  readonly letter: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  /** `+` of `%+v`: structs name their fields. */
  readonly names?: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width?: number;
  readonly precision?: number;
}

const PLAIN: Verb = {
  letter: "v",
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
};

/** A value as `%v` prints it; `<nil>` for none. */
export function printValue(value: GoValue | undefined): string {
  return formatVerb(PLAIN, value);
}

/** A value as one verb of Go's fmt prints it. */
export function formatVerb(verb: Verb, value: GoValue | undefined): string {
  if (!value) {
    if (verb.letter === "v" || verb.letter === "T") return pad("<nil>", verb);
    return `%!${verb.letter}(<nil>)`;
  }
  if (verb.letter === "T") return pad(value.type.name, verb);
  const isNamed = verb.letter === "v" && verb.plus;
  return format(isNamed ? { ...verb, names: true, plus: false } : verb, value, 0);
}

function format(verb: Verb, value: GoValue, depth: number): string {
  const { type, raw } = value;
  if (type.toText && "vsqxX".includes(verb.letter) && !(verb.sharp && verb.letter === "v"))
    return formatText(verb, type.toText(raw)) ?? bad(verb, value);
  switch (type.kind) {
    case "bool":
      return "tv".includes(verb.letter) ? pad(String(raw), verb) : bad(verb, value);
    case "int":
      return formatInt(verb, raw as bigint) ?? bad(verb, value);
    case "float":
      return formatFloat(verb, raw as number) ?? bad(verb, value);
    case "complex":
      return formatComplex(verb, raw as readonly [number, number]) ?? bad(verb, value);
    case "string":
      return formatText(verb, String(raw)) ?? bad(verb, value);
    case "slice":
      return formatSlice(verb, value, depth);
    case "map":
      return formatMap(verb, value, depth);
    case "struct":
      return formatStruct(verb, value, depth);
    default:
      return formatReference(verb, value, depth);
  }
}

function bad(verb: Verb, value: GoValue): string {
  return `%!${verb.letter}(${value.type.name}=${format(PLAIN, value, 0)})`;
}

/** Pointers and interfaces: what they point to, at the top with an `&`. */
function formatReference(verb: Verb, { type, raw }: GoValue, depth: number): string {
  if (raw === null || raw === undefined)
    return isSyntax(verb) ? `(${type.name})(nil)` : pad("<nil>", verb);
  if (type.kind === "interface") return format(verb, raw as GoValue, depth);
  const target: GoValue = { type: type.element ?? type, raw };
  if (target.type.toText && !isSyntax(verb)) return format(verb, target, depth);
  const isCompound = ["slice", "map", "struct"].includes(target.type.kind);
  if (depth > 0 || !isCompound) return isCompound ? "0xc000000000" : format(verb, target, depth);
  return `&${format(verb, target, depth + 1)}`;
}

function isSyntax(verb: Verb): boolean {
  return verb.sharp && verb.letter === "v";
}

function formatSlice(verb: Verb, value: GoValue, depth: number): string {
  if (isSyntax(verb) && value.raw === null) return `${value.type.name}(nil)`;
  const items = itemsOf(value).map((item) => format(verb, item, depth + 1));
  return isSyntax(verb) ? `${value.type.name}{${items.join(", ")}}` : `[${items.join(" ")}]`;
}

function formatMap(verb: Verb, value: GoValue, depth: number): string {
  if (isSyntax(verb) && value.raw === null) return `${value.type.name}(nil)`;
  const entries = entriesOf(value).map(
    ([key, item]) =>
      `${formatText(verb, key) ?? bad(verb, { type: { name: "string", kind: "string" }, raw: key })}:${format(verb, item, depth + 1)}`,
  );
  return isSyntax(verb) ? `${value.type.name}{${entries.join(", ")}}` : `map[${entries.join(" ")}]`;
}

function formatStruct(verb: Verb, { type, raw }: GoValue, depth: number): string {
  const named = verb.names || isSyntax(verb);
  const fields = (type.fields ?? []).map((field) => {
    const text = format(verb, fieldValue(field, raw), depth + 1);
    return named ? `${field.name}:${text}` : text;
  });
  return isSyntax(verb) ? `${type.name}{${fields.join(", ")}}` : `{${fields.join(" ")}}`;
}

function formatText(verb: Verb, text: string): string | undefined {
  const cut =
    verb.precision === undefined ? text : Array.from(text).slice(0, verb.precision).join("");
  switch (verb.letter) {
    case "v":
      return pad(verb.sharp ? goQuote(cut) : cut, verb);
    case "s":
      return pad(cut, verb);
    case "q":
      return pad(quoteFor(verb, cut), verb);
    case "x":
    case "X":
      return pad(hexOf(verb, text), verb);
    default:
      return undefined;
  }
}

function quoteFor({ sharp, plus }: Verb, text: string): string {
  if (sharp) return goQuoteBack(text);
  return plus ? goQuoteAscii(text) : goQuote(text);
}

function hexOf({ letter, sharp, space, precision }: Verb, text: string): string {
  const bytes = Array.from(Buffer.from(text).subarray(0, precision), (byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  const prefix = sharp ? "0x" : "";
  const joined = space
    ? bytes.map((byte) => prefix + byte).join(" ")
    : bytes.length === 0
      ? ""
      : prefix + bytes.join("");
  return letter === "X" ? joined.toUpperCase() : joined;
}

const RADIX: Readonly<Record<string, { readonly radix: number; readonly prefix: string }>> = {
  b: { radix: 2, prefix: "0b" },
  o: { radix: 8, prefix: "0" },
  O: { radix: 8, prefix: "0o" },
  d: { radix: 10, prefix: "" },
  v: { radix: 10, prefix: "" },
  x: { radix: 16, prefix: "0x" },
  X: { radix: 16, prefix: "0X" },
};

function formatInt(verb: Verb, value: bigint): string | undefined {
  const base = RADIX[verb.letter];
  if (!base) return formatRune(verb, value);
  const size = (value < 0n ? -value : value).toString(base.radix);
  const digits = (verb.letter === "X" ? size.toUpperCase() : size).padStart(
    verb.precision ?? 0,
    "0",
  );
  const prefix = verb.letter === "O" || verb.sharp ? base.prefix : "";
  const sign = value < 0n ? "-" : verb.plus ? "+" : verb.space ? " " : "";
  return padNumber(sign + prefix, digits, verb, verb.precision === undefined);
}

function formatRune(verb: Verb, value: bigint): string | undefined {
  const isRune = value >= 0n && value <= 0x10ffffn;
  const character = String.fromCodePoint(isRune ? Number(value) : 0xfffd);
  if (verb.letter === "c") return pad(character, verb);
  if (verb.letter === "q") return pad(goQuoteRune(character), verb);
  if (verb.letter !== "U") return undefined;
  const code = `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
  return pad(verb.sharp ? `${code} '${character}'` : code, verb);
}

function formatFloat(verb: Verb, value: number): string | undefined {
  const size = floatDigits(verb, Math.abs(value));
  if (size === undefined) return undefined;
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? "-" : verb.plus ? "+" : verb.space ? " " : "";
  return padNumber(sign, size, verb, Number.isFinite(value));
}

function floatDigits({ letter, precision }: Verb, size: number): string | undefined {
  if (!Number.isFinite(size)) return Number.isNaN(size) ? "NaN" : "Inf";
  const twoDigits = (text: string) => text.replace(/e([+-])(\d)$/, "e$10$2");
  switch (letter) {
    case "f":
    case "F":
      return size.toFixed(Math.min(100, precision ?? 6));
    case "e":
    case "E": {
      const text = twoDigits(size.toExponential(Math.min(100, precision ?? 6)));
      return letter === "E" ? text.toUpperCase() : text;
    }
    case "v":
    case "g":
    case "G": {
      const text = twoDigits(shortest(size, precision));
      return letter === "G" ? text.toUpperCase() : text;
    }
    default:
      return undefined;
  }
}

/** %g: the shortest text that reads back the same, with an exponent below 1e-4 and from 1e6 (or the precision). */
function shortest(size: number, precision: number | undefined): string {
  if (size === 0) return "0";
  const exact = precision === undefined ? size : Number(size.toPrecision(Math.max(1, precision)));
  const exponent = Math.floor(Math.log10(exact));
  const limit = precision === undefined ? 6 : Math.max(1, precision);
  if (exponent < -4 || exponent >= limit) return exact.toExponential();
  return exact.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 });
}

function formatComplex(
  verb: Verb,
  [real, imaginary]: readonly [number, number],
): string | undefined {
  const a = formatFloat(verb, real);
  const b = formatFloat({ ...verb, plus: true }, imaginary);
  return a === undefined || b === undefined ? undefined : `(${a}${b}i)`;
}

function pad(text: string, { width = 0, minus, zero }: Verb): string {
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (minus) return text + " ".repeat(missing);
  return (zero ? "0" : " ").repeat(missing) + text;
}

/** Zeros go between sign and digits. */
function padNumber(sign: string, digits: string, verb: Verb, mayZero: boolean): string {
  if (!verb.zero || verb.minus || !mayZero) return pad(sign + digits, { ...verb, zero: false });
  return sign + digits.padStart((verb.width ?? 0) - sign.length, "0");
}
