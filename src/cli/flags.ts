import { parseCsvRecord } from "./go-csv.ts";
import {
  parseGoBool,
  parseGoDecimal,
  parseGoDuration,
  parseGoInt,
  parseGoUint,
} from "./go-values.ts";

/** "optional" ones tell unset from empty or false; "strings" and "ints" are comma lists and repeatable. */
export type FlagType =
  | "bool"
  | "optional-bool"
  | "string"
  | "optional-string"
  | "int"
  | "uint"
  | "duration"
  | "strings"
  | "ints";

/** One flag: the row from which parsing, help, completion and `compat` are made. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly type: FlagType;
  /** A word in back quotes names the value in help texts. */
  readonly usage: string;
  /** Accepted, but not listed. */
  readonly hidden?: true;
  /** Another spelling of the flag of this name: of the two, what comes last counts. */
  readonly alias?: string;
  /** Not a flag of skopeo's: unknown, as it should be, when called by that name. */
  readonly ours?: true;
}

/** A value read: what kind it is follows from the flag's type. */
export type FlagValue = boolean | string | number | readonly string[] | readonly number[];

/** Whether the flag may stand alone, and so never takes the next word as its value. */
export function standsAlone(flag: Flag): boolean {
  return flag.type === "bool" || flag.type === "optional-bool";
}

/** Reads one value of `flag`; lists grow by what is given. @throws {ValueError} with Go's text */
export function parseFlagValue(flag: Flag, text: string, before: FlagValue | undefined): FlagValue {
  switch (flag.type) {
    case "bool":
    case "optional-bool":
      return parseGoBool(text);
    case "string":
    case "optional-string":
      return text;
    case "int":
      return parseGoInt(text);
    case "uint":
      return parseGoUint(text);
    case "duration":
      return parseGoDuration(text);
    case "strings":
      return [...asStrings(before), ...(text === "" ? [] : parseCsvRecord(text))];
    case "ints":
      return [...asNumbers(before), ...text.split(",").map(parseGoDecimal)];
  }
}

function asStrings(value: FlagValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function asNumbers(value: FlagValue | undefined): readonly number[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "number") : [];
}

/** The flags that one command line set. Asking for a flag that is not in the table is a bug and throws. */
export class FlagValues {
  readonly #table: ReadonlyMap<string, Flag>;
  readonly #values = new Map<string, FlagValue>();

  readonly #parent: FlagValues | undefined;

  /** Flags that are not in `table` are set in, and read from, `parent`. */
  constructor(table: Iterable<Flag>, parent?: FlagValues) {
    this.#table = new Map(Array.from(table, (flag) => [flag.name, flag]));
    this.#parent = parent;
  }

  /** @throws {ValueError} */
  set(flag: Flag, text: string): void {
    const name = flag.alias ?? flag.name;
    if (this.#parent && !this.#table.has(name)) this.#parent.set(flag, text);
    else this.#values.set(name, parseFlagValue(flag, text, this.#values.get(name)));
  }

  /** Whether this command has such a flag. */
  has(name: string): boolean {
    return this.#table.has(name) || this.#parent?.has(name) === true;
  }

  /** Whether it was given at all. */
  changed(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  /** False where not given. */
  bool(name: string): boolean {
    return this.#value(name) === true;
  }

  /** Undefined where not given. */
  optionalBool(name: string): boolean | undefined {
    const value = this.#value(name);
    return typeof value === "boolean" ? value : undefined;
  }

  /** Empty where not given. */
  string(name: string): string {
    return this.optionalString(name) ?? "";
  }

  /** Undefined where not given. */
  optionalString(name: string): string | undefined {
    const value = this.#value(name);
    return typeof value === "string" ? value : undefined;
  }

  /** 0 where not given; durations are milliseconds. */
  number(name: string): number {
    const value = this.#value(name);
    return typeof value === "number" ? value : 0;
  }

  /** Empty where not given. */
  strings(name: string): readonly string[] {
    return asStrings(this.#value(name));
  }

  /** Empty where not given. */
  numbers(name: string): readonly number[] {
    return asNumbers(this.#value(name));
  }

  #value(name: string): FlagValue | undefined {
    if (this.#parent && !this.#table.has(name)) return this.#parent.#value(name);
    if (!this.#table.has(name)) throw new Error(`No flag --${name} in this command's table`);
    return this.#values.get(name);
  }
}
