import { unquote } from "./constants.ts";
import { lexTemplate, type Token } from "./lexer.ts";
import type { Branch, Node } from "./nodes.ts";
import { PipelineParser } from "./pipeline-parser.ts";
import { TokenStream } from "./token-stream.ts";

/** A parsed template, and the ones that it defines. */
export interface ParsedTemplate {
  readonly name: string;
  readonly text: string;
  readonly nodes: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

/** What ends a list of nodes. */
type ListEnd = { readonly type: "end" | "else"; readonly next: Token };

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
  readonly #pipelines: PipelineParser;
  readonly #defined: Map<string, readonly Node[]>;
  #rangeDepth = 0;

  constructor(
    tokens: TokenStream,
    knows: (name: string) => boolean,
    defined: Map<string, readonly Node[]>,
  ) {
    this.#tokens = tokens;
    this.#pipelines = new PipelineParser(tokens, knows);
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
    const name = this.#templateName(this.#tokens.nextNonSpace(), context);
    this.#expectRight(context);
    this.#defined.set(name, this.#separately(context));
  }

  /** A list with variables of its own, up to its `{{end}}`. */
  #separately(context: string): readonly Node[] {
    const rangeDepth = this.#rangeDepth;
    this.#rangeDepth = 0;
    const { nodes, end } = this.#pipelines.separately(() => this.#list());
    if (end.type !== "end") throw this.#tokens.error(`unexpected {{else}} in ${context}`);
    this.#rangeDepth = rangeDepth;
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
    return {
      type: "action",
      pipe: this.#pipelines.pipe("command", "right"),
      position: token.position,
    };
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
    return this.#pipelines.scoped(() => {
      const pipe = this.#pipelines.pipe(type, "right");
      if (type === "range") this.#rangeDepth += 1;
      const { nodes: body, end } = this.#list();
      if (type === "range") this.#rangeDepth -= 1;
      const otherwise = end.type === "else" ? this.#otherwise(type, end) : undefined;
      return { type, pipe, body, otherwise, position };
    });
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
    const pipe = hasPipe ? this.#pipelines.pipe(context, "right") : undefined;
    if (!hasPipe) this.#tokens.nextNonSpace();
    return { type: "template", name, pipe, position: hasPipe ? position : token.position };
  }

  #block(position: number): Node {
    const context = "block clause";
    const name = this.#templateName(this.#tokens.nextNonSpace(), context);
    const pipe = this.#pipelines.pipe(context, "right");
    this.#defined.set(name, this.#separately(context));
    return { type: "template", name, pipe, position };
  }

  #templateName(token: Token, context: string): string {
    if (token.type !== "string" && token.type !== "raw-string")
      throw this.#tokens.unexpected(token, context);
    return this.#tokens.literally(() => unquote(token.value));
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
