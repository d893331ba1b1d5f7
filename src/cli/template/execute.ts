import { TemplateError } from "./error.ts";
import { Evaluator } from "./evaluator.ts";
import { type GoValue, indirect, isTrue, unboxed, type Value } from "./go-type.ts";
import { iterate } from "./iteration.ts";
import type { Branch, Node, Pipe } from "./nodes.ts";
import type { ParsedTemplate } from "./parser.ts";
import { Place } from "./place.ts";
import { Variables } from "./variables.ts";
import { printValue } from "./verbs.ts";

/** Templates may call themselves; Go's limit is 100,000, our stack's is lower. */
const MAX_DEPTH = 1000;

/**
 * Runs a template over `dot`.
 *
 * @throws {TemplateError} with Go's text, and what was printed by then
 */
export function executeTemplate(template: ParsedTemplate, dot: GoValue): string {
  const executor = new Executor(template, template.name, dot, 0);
  try {
    executor.walkAll(dot, template.nodes);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(error.message, executor.output());
  }
  return executor.output();
}

type Jump = "break" | "continue" | undefined;

class Executor {
  readonly #template: ParsedTemplate;
  readonly #depth: number;
  readonly #place: Place;
  readonly #variables: Variables;
  #out = "";

  constructor(template: ParsedTemplate, name: string, dollar: Value, depth: number) {
    this.#template = template;
    this.#depth = depth;
    this.#place = new Place(template, name);
    this.#variables = new Variables(this.#place, dollar);
  }

  output(): string {
    return this.#out;
  }

  walkAll(dot: Value, nodes: readonly Node[]): Jump {
    for (const node of nodes) {
      const jump = this.#walk(dot, node);
      if (jump) return jump;
    }
    return undefined;
  }

  #walk(dot: Value, node: Node): Jump {
    this.#place.at(node);
    switch (node.type) {
      case "text":
        this.#out += node.text;
        return undefined;
      case "action": {
        const value = this.#pipe(dot, node.pipe);
        if (node.pipe.variables.length === 0) this.#print(node, value);
        return undefined;
      }
      case "template":
        this.#call(dot, node);
        return undefined;
      case "break":
      case "continue":
        return node.type;
      case "range":
        return this.#range(dot, node);
      default:
        return this.#choose(dot, node);
    }
  }

  #pipe(dot: Value, pipe: Pipe): Value {
    return new Evaluator(this.#place, this.#variables, dot).pipe(pipe);
  }

  #print(node: Node, value: Value): void {
    this.#place.at(node);
    if (!value) this.#out += "<no value>";
    else this.#out += printValue(value.type.kind === "pointer" ? indirect(value).value : value);
  }

  #choose(dot: Value, { type, pipe, body, otherwise }: Branch): Jump {
    return this.#variables.scoped(() => {
      const value = this.#pipe(dot, pipe);
      if (isTrue(unboxed(value))) return this.walkAll(type === "with" ? value : dot, body);
      return otherwise && this.walkAll(dot, otherwise);
    });
  }

  #range(dot: Value, node: Branch): Jump {
    return this.#variables.scoped(() => {
      const value = this.#pipe(dot, node.pipe);
      let isEmpty = true;
      for (const [key, item] of iterate(value, node.pipe.variables.length, this.#place)) {
        isEmpty = false;
        const jump = this.#variables.scoped(() => this.#round(node, key, item));
        if (jump === "break") break;
      }
      return isEmpty && node.otherwise ? this.walkAll(dot, node.otherwise) : undefined;
    });
  }

  /** Declares the variables anew: those of the range's pipeline hold what is gone over. */
  #round({ pipe, body }: Branch, key: Value, item: Value): Jump {
    const { variables, assigns } = pipe;
    const values = variables.length > 1 ? [key, item] : [item];
    for (const [position, { name }] of variables.entries())
      if (assigns) this.#variables.assign(name, values[position]);
      else this.#variables.declare(name, values[position]);
    return this.walkAll(item, body);
  }

  #call(dot: Value, node: Extract<Node, { type: "template" }>): void {
    const nodes =
      this.#template.defined.get(node.name) ??
      (node.name === this.#template.name ? this.#template.nodes : undefined);
    if (!nodes) throw this.#place.error(`template "${node.name}" not defined`);
    if (this.#depth === MAX_DEPTH)
      throw this.#place.error(`exceeded maximum template depth (${MAX_DEPTH})`);
    const argument = node.pipe && this.#pipe(dot, node.pipe);
    const inner = new Executor(this.#template, node.name, argument, this.#depth + 1);
    try {
      inner.walkAll(argument, nodes);
    } finally {
      this.#out += inner.output();
    }
  }
}
