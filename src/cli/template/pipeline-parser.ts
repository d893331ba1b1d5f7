import { goQuote } from "../../core/go-quote.ts";
import { parseConstant, unquote } from "./constants.ts";
import type { Token, TokenType } from "./lexer.ts";
import { type Command, type Operand, type Pipe, printNode, type Variable } from "./nodes.ts";
import type { TokenStream } from "./token-stream.ts";

/** Parentheses within parentheses; Go's limit is ten times that. */
const MAX_DEPTH = 1000;

const OPERANDS: ReadonlySet<TokenType> = new Set([
  "bool",
  "char",
  "complex",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "raw-string",
  "string",
  "variable",
  "open",
]);

/** Reads pipelines, and knows which variables there are where one stands. */
export class PipelineParser {
  readonly #tokens: TokenStream;
  readonly #knows: (name: string) => boolean;
  #depth = 0;
  #variables: string[] = ["$"];

  /** @param knows whether there is a function of that name */
  constructor(tokens: TokenStream, knows: (name: string) => boolean) {
    this.#tokens = tokens;
    this.#knows = knows;
  }

  /** Variables declared in `read` are unknown after it. */
  scoped<T>(read: () => T): T {
    const scope = this.#variables.length;
    const result = read();
    this.#variables.length = scope;
    return result;
  }

  /** In `read` no variables are known but those that it declares, and `$`. */
  separately<T>(read: () => T): T {
    const variables = this.#variables;
    this.#variables = ["$"];
    const result = read();
    this.#variables = variables;
    return result;
  }

  /**
   * A pipeline, and the token that ends it.
   *
   * @param context what it belongs to, as errors call it; in a "range" it may declare two variables
   */
  pipe(context: string, end: "right" | "close"): Pipe {
    const { position } = this.#tokens.peekNonSpace();
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#tokens.nextNonSpace();
      if (token.type === end) break;
      if (!OPERANDS.has(token.type)) throw this.#tokens.unexpected(token, context);
      this.#tokens.back();
      commands.push(this.#command());
    }
    this.#checkPipe(commands, context);
    return { type: "pipe", variables, assigns, commands, position };
  }

  #checkPipe(commands: readonly Command[], context: string): void {
    if (commands.length === 0) throw this.#tokens.error(`missing value for ${context}`);
    const inert = new Set(["bool", "dot", "nil", "number", "string"]);
    const at = commands.findIndex(({ words }, i) => i > 0 && inert.has(words[0]?.type ?? ""));
    if (at > 0) throw this.#tokens.error(`non executable command in pipeline stage ${at + 1}`);
  }

  /** `$x :=`, `$x =`, or in a range `$i, $x :=`. */
  #declarations(context: string): { variables: readonly Variable[]; assigns: boolean } {
    const variables: Variable[] = [];
    for (;;) {
      const back = this.#tokens.mark();
      const { type, value: name, position } = this.#tokens.peekNonSpace();
      if (type !== "variable") return { variables, assigns: false };
      this.#tokens.nextNonSpace();
      const next = this.#tokens.peekNonSpace();
      const isComma = next.type === "mark" && next.value === ",";
      if (!isComma && next.type !== "assign" && next.type !== "declare") {
        this.#tokens.reset(back);
        return { variables, assigns: false };
      }
      this.#tokens.nextNonSpace();
      variables.push({ name, position });
      this.#variables.push(name);
      if (!isComma) return { variables, assigns: next.type === "assign" };
      this.#checkComma(context, variables.length);
    }
  }

  #checkComma(context: string, count: number): void {
    if (context !== "range" || count > 1)
      throw this.#tokens.error(`too many declarations in ${context}`);
    const { type } = this.#tokens.peekNonSpace();
    if (type !== "variable" && type !== "right" && type !== "close")
      throw this.#tokens.error("range can only initialize variables");
  }

  #command(): Command {
    const { position } = this.#tokens.peekNonSpace();
    const words: Operand[] = [];
    for (;;) {
      this.#tokens.peekNonSpace();
      const operand = this.#operand();
      if (operand) words.push(operand);
      const token = this.#tokens.next();
      if (token.type === "space") continue;
      if (token.type === "right" || token.type === "close") this.#tokens.back();
      else if (token.type !== "pipe") throw this.#tokens.unexpected(token, "operand");
      if (words.length === 0) throw this.#tokens.error("empty command");
      return { type: "command", words, position };
    }
  }

  #operand(): Operand | undefined {
    const node = this.#term();
    const first = this.#tokens.peek();
    if (!node || first.type !== "field") return node;
    const names: string[] = [];
    while (this.#tokens.peek().type === "field") names.push(this.#tokens.next().value.slice(1));
    const { position } = first;
    switch (node.type) {
      case "field":
        return { type: "field", names: [...node.names, ...names], position };
      case "variable":
        return { type: "variable", name: node.name, names: [...node.names, ...names], position };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        throw this.#tokens.error(`unexpected . after term ${goQuote(printNode(node))}`);
      default:
        return { type: "chain", node, names, position };
    }
  }

  #term(): Operand | undefined {
    const token = this.#tokens.nextNonSpace();
    const { type, value, position } = token;
    switch (type) {
      case "identifier":
        if (!this.#knows(value)) throw this.#tokens.error(`function ${goQuote(value)} not defined`);
        return { type, name: value, position };
      case "dot":
      case "nil":
        return { type, position };
      case "variable":
        if (!this.#variables.includes(value))
          throw this.#tokens.error(`undefined variable ${goQuote(value)}`);
        return { type, name: value, names: [], position };
      case "field":
        return { type, names: [value.slice(1)], position };
      case "bool":
        return { type, value: value === "true", position };
      case "open":
        return this.#parenthesized();
      default:
        return this.#literal(token);
    }
  }

  #parenthesized(): Pipe {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#tokens.error("max expression depth exceeded");
    const pipe = this.pipe("parenthesized pipeline", "close");
    this.#depth -= 1;
    return pipe;
  }

  #literal({ type, value, position }: Token): Operand | undefined {
    switch (type) {
      case "char":
      case "complex":
      case "number":
        return {
          type: "number",
          text: value,
          constant: this.#tokens.literally(() => parseConstant(value)),
          position,
        };
      case "string":
      case "raw-string":
        return {
          type: "string",
          quoted: value,
          value: this.#tokens.literally(() => unquote(value)),
          position,
        };
      default:
        this.#tokens.back();
        return undefined;
    }
  }
}
