import { escapeControls, goQuote } from "../../core/go-quote.ts";

/** What a piece of a template is. "mark" is punctuation without a meaning of its own. */
export type TokenType =
  | "text"
  | "left"
  | "right"
  | "space"
  | "assign"
  | "declare"
  | "pipe"
  | "string"
  | "raw-string"
  | "char"
  | "number"
  | "complex"
  | "variable"
  | "field"
  | "dot"
  | "nil"
  | "bool"
  | "identifier"
  | "keyword"
  | "open"
  | "close"
  | "mark"
  | "error"
  | "end-of-text";

/** A piece of a template; of an "error", `value` is the message. */
export interface Token {
  readonly type: TokenType;
  readonly value: string;
  /** In characters of the template, from 0. */
  readonly position: number;
  /** From 1. */
  readonly line: number;
}

const KEYWORDS = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "template",
  "with",
]);

const MARKS: Readonly<Record<string, TokenType>> = { "=": "assign", "|": "pipe" };

const SPACE = /[ \t\r\n]/;
const WORD = /[\p{L}\p{Nd}_]/u;

/** The tokens of a Go template; after an "error" there are no more. */
export function lexTemplate(input: string): readonly Token[] {
  return new Lexer(input).tokens();
}

class Lexer {
  readonly #input: string;
  readonly #tokens: Token[] = [];
  #start = 0;
  #at = 0;
  #parentheses = 0;

  constructor(input: string) {
    this.#input = input;
  }

  tokens(): readonly Token[] {
    while (!this.#isOver()) {
      if (this.#text()) this.#action();
    }
    return this.#tokens;
  }

  #isOver(): boolean {
    const last = this.#tokens.at(-1)?.type;
    return last === "end-of-text" || last === "error";
  }

  /** Up to the next `{{`, which it passes; false if none is left, or it opens a comment. */
  #text(): boolean {
    const open = this.#input.indexOf("{{", this.#at);
    const end = open < 0 ? this.#input.length : open;
    const trimsLeft = open >= 0 && /^-[ \t\r\n]/.test(this.#input.slice(open + 2, open + 4));
    const text = this.#input.slice(this.#at, end);
    this.#at += trimsLeft ? text.replace(/[ \t\r\n]+$/, "").length : text.length;
    if (this.#at > this.#start) this.#emit("text");
    this.#skipTo(end);
    if (open < 0) {
      this.#emit("end-of-text");
      return false;
    }
    const inside = open + 2 + (trimsLeft ? 2 : 0);
    if (this.#input.startsWith("/*", inside)) return this.#comment(inside);
    this.#at = open + 2;
    this.#emit("left");
    this.#skipTo(inside);
    return true;
  }

  #comment(inside: number): false {
    const end = this.#input.indexOf("*/", inside);
    this.#skipTo(inside);
    if (end < 0) return this.#fail("unclosed comment");
    this.#at = end + 2;
    const closing = this.#closing();
    if (!closing) return this.#fail("comment ends before closing delimiter");
    this.#pass(closing);
    return false;
  }

  #action(): void {
    while (!this.#isOver()) {
      const closing = this.#closing();
      if (closing && this.#parentheses > 0) this.#fail("unclosed left paren");
      else if (closing) {
        this.#close(closing);
        return;
      } else this.#insideAction();
    }
  }

  /** How the action closes here, if it does. */
  #closing(): "plain" | "trimming" | undefined {
    if (/^[ \t\r\n]-\}\}/.test(this.#input.slice(this.#at, this.#at + 4))) return "trimming";
    return this.#input.startsWith("}}", this.#at) ? "plain" : undefined;
  }

  #close(closing: "plain" | "trimming"): void {
    if (closing === "trimming") this.#skipTo(this.#at + 2);
    this.#at += 2;
    this.#emit("right");
    if (closing === "trimming") this.#skipSpace();
  }

  #pass(closing: "plain" | "trimming"): void {
    this.#skipTo(this.#at + (closing === "trimming" ? 4 : 2));
    if (closing === "trimming") this.#skipSpace();
  }

  #skipSpace(): void {
    let at = this.#at;
    while (SPACE.test(this.#input[at] ?? "")) at += 1;
    this.#skipTo(at);
  }

  #insideAction(): void {
    const character = this.#next();
    if (character === "") this.#fail("unclosed action");
    else if (SPACE.test(character)) this.#space();
    else if (/[-+0-9]/.test(character)) this.#number();
    else if (WORD.test(character)) this.#identifier();
    else if (character !== ".") this.#mark(character);
    else if (/^[0-9]/.test(this.#peek())) this.#number();
    else this.#fieldOrVariable("field");
  }

  #mark(character: string): void {
    const simple = MARKS[character];
    if (simple) this.#emit(simple);
    else if (character === '"') this.#quoted('"', "string", "unterminated quoted string");
    else if (character === "'") this.#quoted("'", "char", "unterminated character constant");
    else if (character === "`") this.#rawQuoted();
    else if (character === "$") this.#fieldOrVariable("variable");
    else if (character === "(" || character === ")") this.#parenthesis(character);
    else if (character === ":") this.#declare();
    else if (/[!-~]/.test(character)) this.#emit("mark");
    else this.#fail(`unrecognized character in action: ${describe(character)}`);
  }

  #declare(): void {
    if (this.#next() === "=") this.#emit("declare");
    else this.#fail("expected :=");
  }

  #parenthesis(character: "(" | ")"): void {
    this.#parentheses += character === "(" ? 1 : -1;
    if (this.#parentheses < 0) this.#fail("unexpected right paren");
    else this.#emit(character === "(" ? "open" : "close");
  }

  #space(): void {
    while (SPACE.test(this.#peek())) this.#next();
    // The last of the spaces may belong to a closing `-}}`.
    if (this.#input.startsWith("-}}", this.#at)) this.#at -= 1;
    if (this.#at > this.#start) this.#emit("space");
  }

  #identifier(): void {
    this.#words();
    if (this.#badEnd()) return;
    const word = this.#input.slice(this.#start, this.#at);
    if (KEYWORDS.has(word)) this.#emit("keyword");
    else if (word === "nil") this.#emit("nil");
    else this.#emit(word === "true" || word === "false" ? "bool" : "identifier");
  }

  #fieldOrVariable(type: "field" | "variable"): void {
    const alone = this.#atTerminator();
    this.#words();
    if (alone) this.#emit(type === "field" ? "dot" : type);
    else if (!this.#badEnd()) this.#emit(type);
  }

  #words(): void {
    while (WORD.test(this.#peek())) this.#next();
  }

  /** Tells of a character that no word may end before. */
  #badEnd(): boolean {
    const bad = !this.#atTerminator();
    if (bad) this.#fail(`bad character ${describe(this.#peek())}`);
    return bad;
  }

  #atTerminator(): boolean {
    return /^(?:$|[ \t\r\n.,|:()]|\}\})/.test(this.#input.slice(this.#at, this.#at + 2));
  }

  #quoted(quote: string, type: "string" | "char", unterminated: string): void {
    for (let character = this.#next(); character !== quote; character = this.#next()) {
      const last = character === "\\" ? this.#next() : character;
      if (last === "" || last === "\n") {
        this.#fail(unterminated);
        return;
      }
    }
    this.#emit(type);
  }

  #rawQuoted(): void {
    const end = this.#input.indexOf("`", this.#at);
    this.#at = end + 1;
    if (end < 0) this.#fail("unterminated raw quoted string");
    else this.#emit("raw-string");
  }

  #number(): void {
    this.#at = this.#start;
    const single = this.#scanNumber();
    const isComplex = single && /[+-]/.test(this.#peek());
    const good = isComplex ? this.#scanNumber() && this.#input[this.#at - 1] === "i" : single;
    if (good) this.#emit(isComplex ? "complex" : "number");
    else this.#fail(`bad number syntax: ${goQuote(this.#input.slice(this.#start, this.#at))}`);
  }

  #scanNumber(): boolean {
    const rest = this.#input.slice(this.#at);
    const number =
      /^[+-]?0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?i?/.exec(rest) ??
      /^[+-]?0(?:[oO][0-7_]*|[bB][01_]*)(?:\.[0-7_]*)?i?/.exec(rest) ??
      /^[+-]?[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?i?/.exec(rest);
    this.#at += number?.[0].length ?? 0;
    if (!WORD.test(this.#peek())) return true;
    this.#next();
    return false;
  }

  #peek(): string {
    const code = this.#input.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #next(): string {
    const character = this.#peek();
    this.#at += character.length;
    return character;
  }

  #skipTo(position: number): void {
    this.#at = position;
    this.#start = position;
  }

  #emit(type: TokenType): void {
    this.#push(type, this.#input.slice(this.#start, this.#at));
    this.#start = this.#at;
  }

  #fail(message: string): false {
    this.#push("error", message);
    return false;
  }

  #push(type: TokenType, value: string): void {
    const line = 1 + (this.#input.slice(0, this.#start).match(/\n/g)?.length ?? 0);
    this.#tokens.push({ type, value, position: this.#start, line });
  }
}

/** A character as Go's `%#U` prints it; nothing at all is U+FFFFFFFFFFFFFFFF there. */
function describe(character: string): string {
  const code = character.codePointAt(0);
  if (code === undefined) return "U+FFFFFFFFFFFFFFFF";
  const shown = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)
    ? ` '${escapeControls(character)}'`
    : "";
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}${shown}`;
}
