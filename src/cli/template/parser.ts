import { goQuote } from "../../core/go-quote.ts";
import { LiteralError, parseConstant, unquote } from "./constants.ts";
import { lexTemplate, type Token, type TokenType } from "./lexer.ts";
import {
  type Branch,
  type Command,
  type Constant,
  type Node,
  type Operand,
  type Pipe,
  printNode,
  type Variable,
} from "./nodes.ts";
import { TokenStream } from "./token-stream.ts";

/** A parsed template, and the ones that it defines. */
export interface ParsedTemplate {
  readonly name: string;
  readonly text: string;
  readonly nodes: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

/** Parentheses within parentheses; Go's limit is ten times that. */
const MAX_DEPTH = 1000;

/** What ends a list of nodes. */
type ListEnd = { readonly type: "end" | "else"; readonly next: Token };

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

/**
 * Parses a Go text/template.
 *
 * @param knows whether there is a function of that name
 * @throws {TemplateError} with Go's text
 */
export function parseTemplate(
  name: string,
  text: string,
  knows: (name: string) => boolean,
): ParsedTemplate {
  const defined = new Map<string, readonly Node[]>();
  const nodes = new Parser(new TokenStream(name, lexTemplate(text)), knows, defined).template();
  return { name, text, nodes, defined };
}

class Parser {
  readonly #tokens: TokenStream;
  readonly #knows: (name: string) => boolean;
  readonly #defined: Map<string, readonly Node[]>;
  #rangeDepth = 0;
  #depth = 0;
  #variables: string[] = ["$"];

  constructor(
    tokens: TokenStream,
    knows: (name: string) => boolean,
    defined: Map<string, readonly Node[]>,
  ) {
    this.#tokens = tokens;
    this.#knows = knows;
    this.#defined = defined;
  }

  template(): readonly Node[] {
    const nodes: Node[] = [];
    while (this.#tokens.peek().type !== "end-of-text") {
      if (this.#atDefine()) {
        this.#define();
        continue;
      }
      const node = this.#textOrAction();
      if (isListEnd(node)) throw this.#tokens.error(`unexpected {{${node.type}}}`);
      nodes.push(node);
    }
    return nodes;
  }

  #atDefine(): boolean {
    if (this.#tokens.peek().type !== "left") return false;
    const back = this.#tokens.mark();
    this.#tokens.next();
    const { type, value } = this.#tokens.nextNonSpace();
    if (type === "keyword" && value === "define") return true;
    this.#tokens.reset(back);
    return false;
  }

  #define(): void {
    const context = "define clause";
    const name = this.#tokens.nextNonSpace();
    if (name.type !== "string" && name.type !== "raw-string")
      throw this.#tokens.unexpected(name, context);
    const key = this.#unquote(name.value);
    this.#expectRight(context);
    this.#defined.set(key, this.#separately(context));
  }

  /** A list with variables of its own, up to its `{{end}}`. */
  #separately(context: string): readonly Node[] {
    const [variables, depth] = [this.#variables, this.#rangeDepth];
    this.#variables = ["$"];
    this.#rangeDepth = 0;
    const { nodes, end } = this.#list();
    if (end.type !== "end") throw this.#tokens.error(`unexpected {{else}} in ${context}`);
    this.#variables = variables;
    this.#rangeDepth = depth;
    return nodes;
  }

  #list(): { nodes: readonly Node[]; end: ListEnd } {
    const nodes: Node[] = [];
    while (this.#tokens.peekNonSpace().type !== "end-of-text") {
      const node = this.#textOrAction();
      if (isListEnd(node)) return { nodes, end: node };
      nodes.push(node);
    }
    throw this.#tokens.error("unexpected EOF");
  }

  #textOrAction(): Node | ListEnd {
    const token = this.#tokens.nextNonSpace();
    if (token.type === "text") return { type: "text", text: token.value, position: token.position };
    if (token.type !== "left") throw this.#tokens.unexpected(token, "input");
    this.#tokens.actionLine = token.line;
    const node = this.#action();
    this.#tokens.actionLine = 0;
    return node;
  }

  #action(): Node | ListEnd {
    const token = this.#tokens.peekNonSpace();
    if (token.type === "keyword") return this.#keyword(this.#tokens.nextNonSpace());
    return { type: "action", pipe: this.#pipe("command", "right"), position: token.position };
  }

  #keyword(token: Token): Node | ListEnd {
    switch (token.value) {
      case "if":
      case "with":
      case "range":
        return this.#branch(token.value, token.position);
      case "else":
        return this.#else();
      case "end":
        return { type: "end", next: this.#expectRight("end") };
      case "break":
      case "continue":
        return this.#jump(token.value, token.position);
      case "template":
        return this.#call(token.position);
      case "block":
        return this.#block(token.position);
      default:
        throw this.#tokens.unexpected(token, "command");
    }
  }

  #else(): ListEnd {
    const next = this.#tokens.peekNonSpace();
    if (isElseBranch(next)) return { type: "else", next };
    return { type: "else", next: this.#expectRight("else") };
  }

  #branch(type: Branch["type"], position: number): Branch {
    const scope = this.#variables.length;
    const pipe = this.#pipe(type, "right");
    if (type === "range") this.#rangeDepth += 1;
    const { nodes: body, end } = this.#list();
    if (type === "range") this.#rangeDepth -= 1;
    const otherwise = end.type === "else" ? this.#otherwise(type, end) : undefined;
    this.#variables.length = scope;
    return { type, pipe, body, otherwise, position };
  }

  #otherwise(type: Branch["type"], { next }: ListEnd): readonly Node[] {
    if (isElseBranch(next) && next.value === type) {
      this.#tokens.nextNonSpace();
      return [this.#branch(type, next.position)];
    }
    const { nodes, end } = this.#list();
    if (end.type !== "end") throw this.#tokens.error("expected end; found {{else}}");
    return nodes;
  }

  #jump(type: "break" | "continue", position: number): Node {
    const token = this.#tokens.nextNonSpace();
    if (token.type !== "right") throw this.#tokens.unexpected(token, `{{${type}}}`);
    if (this.#rangeDepth === 0) throw this.#tokens.error(`{{${type}}} outside {{range}}`);
    return { type, position };
  }

  #call(position: number): Node {
    const context = "template clause";
    const token = this.#tokens.nextNonSpace();
    const name = this.#templateName(token, context);
    const hasPipe = this.#tokens.peekNonSpace().type !== "right";
    const pipe = hasPipe ? this.#pipe(context, "right") : undefined;
    if (!hasPipe) this.#tokens.nextNonSpace();
    return { type: "template", name, pipe, position: hasPipe ? position : token.position };
  }

  #block(position: number): Node {
    const context = "block clause";
    const name = this.#templateName(this.#tokens.nextNonSpace(), context);
    const pipe = this.#pipe(context, "right");
    this.#defined.set(name, this.#separately(context));
    return { type: "template", name, pipe, position };
  }

  #templateName(token: Token, context: string): string {
    if (token.type !== "string" && token.type !== "raw-string")
      throw this.#tokens.unexpected(token, context);
    return this.#unquote(token.value);
  }

  #pipe(context: string, end: "right" | "close"): Pipe {
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
    const pipe = this.#pipe("parenthesized pipeline", "close");
    this.#depth -= 1;
    return pipe;
  }

  #literal({ type, value, position }: Token): Operand | undefined {
    switch (type) {
      case "char":
      case "complex":
      case "number":
        return { type: "number", text: value, constant: this.#constant(value), position };
      case "string":
      case "raw-string":
        return { type: "string", quoted: value, value: this.#unquote(value), position };
      default:
        this.#tokens.back();
        return undefined;
    }
  }

  #constant(text: string): Constant {
    return this.#literally(() => parseConstant(text));
  }

  #unquote(quoted: string): string {
    return this.#literally(() => unquote(quoted));
  }

  #literally<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof LiteralError ? this.#tokens.error(error.message) : error;
    }
  }

  #expectRight(context: string): Token {
    const token = this.#tokens.nextNonSpace();
    if (token.type !== "right") throw this.#tokens.unexpected(token, context);
    return token;
  }
}

function isListEnd(node: Node | ListEnd): node is ListEnd {
  return node.type === "end" || node.type === "else";
}

function isElseBranch({ type, value }: Token): boolean {
  return type === "keyword" && (value === "if" || value === "with");
}
