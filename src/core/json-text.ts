import { ContentError } from "./errors.ts";
import { quoteByte } from "./json-quote.ts";
import { replaceInvalid } from "./utf8.ts";

/** A JSON value as it was written: numbers keep their digits, objects their order and their duplicates. */
export type JsonNode = null | boolean | string | JsonNumber | readonly JsonNode[] | JsonObject;

/** A number by its text, so that nothing is rounded. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An object with all its members as they came, duplicates too. */
export class JsonObject {
  readonly members: readonly JsonMember[];

  constructor(members: readonly JsonMember[]) {
    this.members = members;
  }
}

/** One member of an object. */
export interface JsonMember {
  readonly name: string;
  readonly value: JsonNode;
  /** The value as written, without the white space around it. */
  readonly raw: string;
}

/** How a JSON text is parsed. */
export interface JsonTextOptions {
  readonly maxDepth: number;
  /** Whatever follows the first value is left alone. */
  readonly firstOnly?: boolean;
}

/**
 * Parses one JSON document (RFC 8259), with the error texts of Go's encoding/json.
 *
 * @throws {ContentError} `content.bad-json`
 */
export function parseJsonText(text: string, options: JsonTextOptions): JsonNode {
  return new Parser(text, options.maxDepth).document(options.firstOnly ?? false);
}

const literals: Readonly<Record<string, readonly [text: string, value: JsonNode]>> = {
  t: ["true", true],
  f: ["false", false],
  n: ["null", null],
};

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Where Go, which looks behind the end as if a space stood there, takes offence at that space. */
const needsMore = /^(?:in (?:literal|numeric|exponent|string escape|\\u)|after decimal)/;

class Parser {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(firstOnly: boolean): JsonNode {
    this.#skipSpace();
    const value = this.#value();
    this.#skipSpace();
    if (!firstOnly && this.#at < this.#text.length) throw this.#unexpected("after top-level value");
    return value;
  }

  #value(): JsonNode {
    const first = this.#text[this.#at] ?? "";
    if (first === '"') return this.#string();
    if (first === "{") return this.#nested(() => this.#object());
    if (first === "[") return this.#nested(() => this.#array());
    if (Object.hasOwn(literals, first)) return this.#literal(first);
    if (first === "-" || isDigit(first)) return this.#number();
    throw this.#unexpected("looking for beginning of value");
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > this.#maxDepth) throw bad("exceeded max depth");
    this.#at += 1;
    this.#skipSpace();
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    const members: JsonMember[] = [];
    if (this.#take("}")) return new JsonObject(members);
    for (;;) {
      members.push(this.#member());
      if (this.#take("}")) return new JsonObject(members);
      if (!this.#take(",")) throw this.#unexpected("after object key:value pair");
      this.#skipSpace();
    }
  }

  #member(): JsonMember {
    if (this.#text[this.#at] !== '"') {
      throw this.#unexpected("looking for beginning of object key string");
    }
    const name = this.#string();
    this.#skipSpace();
    if (!this.#take(":")) throw this.#unexpected("after object key");
    this.#skipSpace();
    const start = this.#at;
    const value = this.#value();
    const raw = this.#text.slice(start, this.#at);
    this.#skipSpace();
    return { name, value, raw };
  }

  #array(): readonly JsonNode[] {
    const items: JsonNode[] = [];
    if (this.#take("]")) return items;
    for (;;) {
      items.push(this.#value());
      this.#skipSpace();
      if (this.#take("]")) return items;
      if (!this.#take(",")) throw this.#unexpected("after array element");
      this.#skipSpace();
    }
  }

  #literal(first: string): JsonNode {
    const [text, value] = literals[first] ?? ["", null];
    for (const [index, expected] of Array.from(text).entries()) {
      if (this.#text[this.#at] !== expected) {
        const soFar = index === 0 ? "" : ` (expecting '${expected}')`;
        throw this.#unexpected(`in literal ${text}${soFar}`);
      }
      this.#at += 1;
    }
    return value;
  }

  #string(): string {
    this.#at += 1;
    let result = "";
    for (;;) {
      const start = this.#at;
      this.#skip(/[^"\\\x00-\x1f]*/y);
      result += replaceInvalid(this.#text.slice(start, this.#at));
      if (this.#take('"')) return replaceInvalid(result);
      if (!this.#take("\\")) throw this.#unexpected("in string literal");
      result += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? "";
    if (letter === "u") return this.#unicodeEscape();
    const meaning = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (meaning === undefined) throw this.#unexpected("in string escape code");
    this.#at += 1;
    return meaning;
  }

  #unicodeEscape(): string {
    const start = this.#at + 1;
    this.#at = start;
    while (this.#at < start + 4) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? "")) {
        throw this.#unexpected("in \\u hexadecimal character escape");
      }
      this.#at += 1;
    }
    return String.fromCharCode(Number.parseInt(this.#text.slice(start, start + 4), 16));
  }

  #number(): JsonNumber {
    const start = this.#at;
    this.#take("-");
    if (!this.#take("0")) this.#digits("in numeric literal");
    if (this.#take(".")) this.#digits("after decimal point in numeric literal");
    if (this.#take("e") || this.#take("E")) {
      if (!this.#take("+")) this.#take("-");
      this.#digits("in exponent of numeric literal");
    }
    return new JsonNumber(this.#text.slice(start, this.#at));
  }

  #digits(where: string): void {
    const start = this.#at;
    this.#skip(/[0-9]*/y);
    if (this.#at === start) throw this.#unexpected(where);
  }

  #take(expected: string): boolean {
    const taken = this.#text[this.#at] === expected;
    if (taken) this.#at += 1;
    return taken;
  }

  #skipSpace(): void {
    this.#skip(/[ \t\r\n]*/y);
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    pattern.test(this.#text);
    this.#at = pattern.lastIndex;
  }

  #unexpected(where: string): ContentError {
    const character = this.#text.codePointAt(this.#at);
    if (character === undefined && !needsMore.test(where)) {
      return bad("unexpected end of JSON input");
    }
    if (character === undefined) return bad(`invalid character ' ' ${where}`);
    return bad(`invalid character ${quoteByte(character)} ${where}`);
  }
}

function isDigit(text: string): boolean {
  return text >= "0" && text <= "9" && text.length === 1;
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-json", message);
}
