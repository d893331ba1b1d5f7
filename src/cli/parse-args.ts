import { UsageError } from "../core/errors.ts";
import { goQuote, goQuoteRune } from "../core/go-quote.ts";
import { type Flag, type FlagValues, standsAlone } from "./flags.ts";
import { ValueError } from "./go-values.ts";

/** Flags by both of their names. */
export class FlagTable {
  readonly #byName: ReadonlyMap<string, Flag>;
  readonly #byShort: ReadonlyMap<string, Flag>;

  constructor(flags: readonly Flag[]) {
    this.#byName = new Map(flags.map((flag) => [flag.name, flag]));
    this.#byShort = new Map(flags.flatMap((flag) => (flag.short ? [[flag.short, flag]] : [])));
  }

  named(name: string): Flag | undefined {
    return this.#byName.get(name);
  }

  short(letter: string): Flag | undefined {
    return this.#byShort.get(letter);
  }
}

/**
 * Reads a command line as pflag does and gives the words that are no flags: they may stand between flags, `--` ends
 * the flags, short ones may be run together and the last of them may take a value. What was set goes `into`.
 *
 * @throws {UsageError} `usage.bad-flag`, with pflag's text
 */
export function parseArgs(args: readonly string[], table: FlagTable, into: FlagValues): string[] {
  const words: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return [...words, ...rest];
    if (!arg.startsWith("-") || arg === "-") words.push(arg);
    else if (arg.startsWith("--")) parseLong(arg, rest, table, into);
    else parseCluster(arg.slice(1), rest, table, into);
  }
  return words;
}

function parseLong(arg: string, rest: string[], table: FlagTable, into: FlagValues): void {
  const body = arg.slice(2);
  if (/^[-=]/.test(body)) throw badFlag(`bad flag syntax: ${arg}`);
  const equals = body.indexOf("=");
  const name = equals < 0 ? body : body.slice(0, equals);
  const flag = table.named(name);
  if (!flag) throw badFlag(name === "help" ? "pflag: help requested" : `unknown flag: --${name}`);
  setFlag(flag, equals < 0 ? valueAfter(arg, flag, rest) : body.slice(equals + 1), into);
}

function valueAfter(arg: string, flag: Flag, rest: string[]): string {
  if (standsAlone(flag)) return "true";
  const value = rest.shift();
  if (value === undefined) throw badFlag(`flag needs an argument: ${arg}`);
  return value;
}

function parseCluster(letters: string, rest: string[], table: FlagTable, into: FlagValues): void {
  for (let left = letters; left !== ""; ) left = parseShort(left, rest, table, into);
}

/** Reads the first letter of a cluster, with its value; what is left of the cluster comes back. */
function parseShort(letters: string, rest: string[], table: FlagTable, into: FlagValues): string {
  if (letters.startsWith("test.")) return ""; // pflag passes over flags of Go's test runner
  const letter = letters.slice(0, 1);
  const flag = table.short(letter);
  if (!flag) throw unknownLetter(letters);
  if (letters.length > 2 && letters[1] === "=") {
    setFlag(flag, letters.slice(2), into);
    return "";
  }
  if (standsAlone(flag)) {
    setFlag(flag, "true", into);
    return letters.slice(1);
  }
  const value = letters.length > 1 ? letters.slice(1) : rest.shift();
  if (value === undefined)
    throw badFlag(`flag needs an argument: ${goQuoteRune(letter)} in -${letters}`);
  setFlag(flag, value, into);
  return "";
}

function unknownLetter(letters: string): UsageError {
  if (letters.startsWith("h")) return badFlag("pflag: help requested");
  const byte = String.fromCharCode(Buffer.from(letters)[0] ?? 0); // pflag goes by bytes
  return badFlag(`unknown shorthand flag: ${goQuoteRune(byte)} in -${letters}`);
}

function setFlag(flag: Flag, text: string, into: FlagValues): void {
  try {
    into.set(flag, text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const names = flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`;
    throw badFlag(`invalid argument ${goQuote(text)} for ${goQuote(names)} flag: ${error.message}`);
  }
}

function badFlag(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
