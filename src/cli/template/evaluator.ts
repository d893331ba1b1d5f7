import { type Literal, literal, literalFor, nilFor, valueFor } from "./arguments.ts";
import { type Caller, callFunction, type Given, nothingGiven } from "./call.ts";
import { type Chain, follow } from "./chain.ts";
import type { Parameter } from "./function.ts";
import { goAny, unboxed, type Value } from "./go-type.ts";
import { type Command, type Operand, type Pipe, printNode } from "./nodes.ts";
import type { Place } from "./place.ts";
import type { Variables } from "./variables.ts";

/** Evaluates the pipelines of a run for one dot. */
export class Evaluator implements Caller {
  readonly place: Place;
  readonly #variables: Variables;
  readonly #dot: Value;

  constructor(place: Place, variables: Variables, dot: Value) {
    this.place = place;
    this.#variables = variables;
    this.#dot = dot;
  }

  /**
   * What a pipeline gives. The variables that take it are declared, or assigned.
   *
   * @throws {TemplateError}
   */
  pipe(pipe: Pipe): Value {
    this.place.at(pipe);
    let value: Value;
    let final: Given["final"] = "missing";
    for (const command of pipe.commands) {
      value = withoutAny(this.#command(command, final));
      final = { value };
    }
    for (const { name } of pipe.variables)
      if (pipe.assigns) this.#variables.assign(name, value);
      else this.#variables.declare(name, value);
    return value;
  }

  /**
   * What a word is, as a function takes it.
   *
   * @throws {TemplateError}
   */
  evaluate(word: Operand, parameter: Parameter): Value {
    this.place.at(word);
    switch (word.type) {
      case "bool":
      case "number":
      case "string":
        return literalFor(parameter, word, this.place);
      case "nil":
        return nilFor(parameter, this.place);
      case "dot":
        return valueFor(parameter, this.#dot, this.place);
      case "pipe":
        return valueFor(parameter, this.pipe(word), this.place);
      case "identifier":
        return valueFor(
          parameter,
          callFunction({ name: word.name, node: word }, nothingGiven, this),
          this.place,
        );
      default:
        return valueFor(parameter, this.#chain(word, nothingGiven), this.place);
    }
  }

  #command(command: Command, final: Given["final"]): Value {
    const [first, ...args] = command.words;
    if (!first) return undefined;
    const given = { args, final };
    switch (first.type) {
      case "field":
      case "variable":
      case "chain":
        return this.#chain(first, given);
      case "identifier":
        this.place.at(first);
        return callFunction({ name: first.name, node: command }, given, this);
      case "pipe":
        this.#refuseGiven(first, given);
        return this.pipe(first);
      default:
        this.place.at(first);
        this.#refuseGiven(first, given);
        return this.#plain(first);
    }
  }

  #chain(node: Chain, given: Given): Value {
    this.place.at(node);
    if (node.type === "field") return follow(this.#dot, node, given, this);
    if (node.type === "chain") return follow(this.#receiver(node), node, given, this);
    const value = this.#variables.get(node.name);
    if (node.names.length > 0) return follow(value, node, given, this);
    this.#refuseGiven(node, given);
    return value;
  }

  #receiver(node: Extract<Chain, { readonly type: "chain" }>): Value {
    if (node.node.type !== "nil") return this.evaluate(node.node, "value");
    throw this.place.error(`indirection through explicit nil in ${printNode(node)}`);
  }

  #plain(word: Literal | Extract<Operand, { readonly type: "dot" | "nil" }>): Value {
    if (word.type === "dot") return this.#dot;
    if (word.type === "nil") throw this.place.error("nil is not a command");
    return literal(word, this.place);
  }

  #refuseGiven(word: Operand, { args, final }: Given): void {
    if (args.length === 0 && final === "missing") return;
    throw this.place.error(`can't give argument to non-function ${printNode(word)}`);
  }
}

/** A pipeline gives what an `interface {}` holds; other interfaces, like `error`, stay. */
function withoutAny(value: Value): Value {
  return value?.type === goAny ? unboxed(value) : value;
}
