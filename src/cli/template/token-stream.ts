import { goQuote } from "../../core/go-quote.ts";
import { LiteralError } from "./constants.ts";
import { TemplateError } from "./error.ts";
import type { Token } from "./lexer.ts";

/** A template's tokens, read one after the other; tells errors by the line it is at. */
export class TokenStream {
  readonly #name: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #line = 1;
  /** Where the action being read began; 0 outside of any. */
  actionLine = 0;

  constructor(name: string, tokens: readonly Token[]) {
    this.#name = name;
    this.#tokens = tokens;
  }

  peek(): Token {
    const token = this.#tokens[this.#at] ?? this.#tokens.at(-1);
    if (!token) throw new Error("A template has at least the token that ends it");
    this.#line = token.line;
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  peekNonSpace(): Token {
    while (this.peek().type === "space") this.#at += 1;
    return this.peek();
  }

  nextNonSpace(): Token {
    this.peekNonSpace();
    return this.next();
  }

  /** Gives the last token back. */
  back(): void {
    this.#at -= 1;
  }

  /** A place to go back to by {@link reset}. */
  mark(): number {
    return this.#at;
  }

  reset(mark: number): void {
    this.#at = mark;
  }

  /** The error of a token that does not belong in `context`; of one that is itself an error, what that says. */
  unexpected(token: Token, context: string): TemplateError {
    if (token.type !== "error") return this.error(`unexpected ${printToken(token)} in ${context}`);
    if (this.actionLine === 0 || this.actionLine === token.line) return this.error(token.value);
    const started = ` in action started at ${this.#name}:${this.actionLine}`;
    const extra = token.value.endsWith(" action") ? started.slice(" in action".length) : started;
    return this.error(token.value + extra);
  }

  /** What `read` makes of a literal; what it finds wrong is told by the line. */
  literally<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof LiteralError ? this.error(error.message) : error;
    }
  }

  error(message: string): TemplateError {
    return new TemplateError(`template: ${this.#name}:${this.#line}: ${message}`);
  }
}

function printToken({ type, value }: Token): string {
  if (type === "end-of-text") return "EOF";
  if (type === "keyword" || type === "dot" || type === "nil") return `<${value}>`;
  if (Buffer.byteLength(value) <= 10) return goQuote(value);
  return `${goQuote(Array.from(value).slice(0, 10).join(""))}...`;
}
