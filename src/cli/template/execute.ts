import { TemplateError } from "./error.ts";
import { FunctionError, type GoFunction, type Parameter } from "./function.ts";
import { functions } from "./functions.ts";
import {
  entriesOf,
  fieldOf,
  type GoMethod,
  type GoValue,
  goAny,
  goBool,
  goComplex,
  goFloat,
  goInt,
  indirect,
  int,
  isTrue,
  itemsOf,
  text,
  unboxed,
} from "./go-type.ts";
import { canBeNil, countTo, hasArguments, memberOf, methodOf, withoutAny } from "./members.ts";
import {
  type Branch,
  type Command,
  type Constant,
  type Node,
  type Operand,
  type Pipe,
  printNode,
} from "./nodes.ts";
import type { ParsedTemplate } from "./parser.ts";
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

type Value = GoValue | undefined;

/** "missing" where no value comes down the pipe, which is not the same as one that is nothing. */
type Final = { readonly value: Value } | "missing";

interface Binding {
  readonly name: string;
  value: Value;
}

type Jump = "break" | "continue" | undefined;

class Executor {
  readonly #template: ParsedTemplate;
  readonly #name: string;
  readonly #depth: number;
  readonly #variables: Binding[];
  #out = "";
  #node: Node | Operand | Command | undefined;

  constructor(template: ParsedTemplate, name: string, dollar: Value, depth: number) {
    this.#template = template;
    this.#name = name;
    this.#depth = depth;
    this.#variables = [{ name: "$", value: dollar }];
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
    this.#node = node;
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

  #print(node: Node, value: Value): void {
    this.#node = node;
    if (!value) this.#out += "<no value>";
    else this.#out += printValue(value.type.kind === "pointer" ? indirect(value).value : value);
  }

  #choose(dot: Value, { type, pipe, body, otherwise }: Branch): Jump {
    return this.#scoped(() => {
      const value = this.#pipe(dot, pipe);
      if (isTrue(unboxed(value))) return this.walkAll(type === "with" ? value : dot, body);
      return otherwise && this.walkAll(dot, otherwise);
    });
  }

  #range(dot: Value, node: Branch): Jump {
    return this.#scoped(() => {
      const value = this.#pipe(dot, node.pipe);
      let isEmpty = true;
      for (const [key, item] of this.#itemsFor(value, node.pipe.variables.length)) {
        isEmpty = false;
        const jump = this.#scoped(() => this.#iterate(node, key, item));
        if (jump === "break") break;
      }
      return isEmpty && node.otherwise ? this.walkAll(dot, node.otherwise) : undefined;
    });
  }

  #iterate({ pipe, body }: Branch, key: Value, item: Value): Jump {
    const { variables, assigns } = pipe;
    const values = variables.length > 1 ? [key, item] : [item];
    for (const [position, { name }] of variables.entries())
      if (assigns) this.#assign(name, values[position]);
      else this.#rebind(name, values[position]);
    return this.walkAll(item, body);
  }

  /** The variables of a range stand on the stack already: they were declared with its pipeline. */
  #rebind(name: string, value: Value): void {
    this.#variables.push({ name, value });
  }

  #itemsFor(value: Value, variables: number): Iterable<readonly [Value, Value]> {
    if (!value) return [];
    const { value: target } = indirect(value);
    switch (target.type.kind) {
      case "slice":
        return itemsOf(target).map((item, index) => [int(index), item] as const);
      case "map":
        return entriesOf(target).map(([key, item]) => [text(key), item] as const);
      case "int":
        if (variables > 1)
          throw this.#error(
            `can't use ${printValue(target)} to iterate over more than one variable`,
          );
        return countTo(target);
      default:
        throw this.#error(`range can't iterate over ${printValue(target)}`);
    }
  }

  #call(dot: Value, node: Extract<Node, { type: "template" }>): void {
    const nodes =
      this.#template.defined.get(node.name) ??
      (node.name === this.#template.name ? this.#template.nodes : undefined);
    if (!nodes) throw this.#error(`template "${node.name}" not defined`);
    if (this.#depth === MAX_DEPTH)
      throw this.#error(`exceeded maximum template depth (${MAX_DEPTH})`);
    const argument = node.pipe && this.#pipe(dot, node.pipe);
    const inner = new Executor(this.#template, node.name, argument, this.#depth + 1);
    try {
      inner.walkAll(argument, nodes);
    } finally {
      this.#out += inner.output();
    }
  }

  #scoped<T>(work: () => T): T {
    const size = this.#variables.length;
    const result = work();
    this.#variables.length = size;
    return result;
  }

  #assign(name: string, value: Value): void {
    const binding = this.#variables.findLast((each) => each.name === name);
    if (!binding) throw this.#error(`undefined variable: ${name}`);
    binding.value = value;
  }

  #variable(name: string): Value {
    const binding = this.#variables.findLast((each) => each.name === name);
    if (!binding) throw this.#error(`undefined variable: ${name}`);
    return binding.value;
  }

  #pipe(dot: Value, pipe: Pipe): Value {
    this.#node = pipe;
    let value: Value;
    let final: Final = "missing";
    for (const command of pipe.commands) {
      value = withoutAny(this.#command(dot, command, final));
      final = { value };
    }
    for (const { name } of pipe.variables)
      if (pipe.assigns) this.#assign(name, value);
      else this.#variables.push({ name, value });
    return value;
  }

  #command(dot: Value, command: Command, final: Final): Value {
    const [first, ...args] = command.words;
    if (!first) return undefined;
    switch (first.type) {
      case "field":
        this.#node = first;
        return this.#chain(dot, dot, first, first.names, { args, final });
      case "chain":
        return this.#chainNode(dot, first, { args, final });
      case "identifier":
        this.#node = first;
        return this.#function(dot, first.name, command, { args, final });
      case "pipe":
        this.#noFunction(first, args, final);
        return this.#pipe(dot, first);
      case "variable":
        return this.#variableNode(dot, first, { args, final });
      default:
        this.#node = first;
        this.#noFunction(first, args, final);
        return this.#literal(dot, first);
    }
  }

  #literal(
    dot: Value,
    word: Extract<Operand, { type: "bool" | "dot" | "nil" | "number" | "string" }>,
  ): Value {
    switch (word.type) {
      case "bool":
        return { type: goBool, raw: word.value };
      case "dot":
        return dot;
      case "nil":
        throw this.#error("nil is not a command");
      case "number":
        return this.#number(word.constant, word.text);
      case "string":
        return text(word.value);
    }
  }

  #number({ ideal, int: whole, float, complex }: Constant, textOf: string): GoValue {
    if (ideal === "complex") return { type: goComplex, raw: complex };
    if (ideal === "float") return { type: goFloat, raw: float };
    if (whole === undefined || BigInt.asIntN(64, whole) !== whole)
      throw this.#error(`${textOf} overflows int`);
    return { type: goInt, raw: whole };
  }

  #noFunction(word: Operand, args: readonly Operand[], final: Final): void {
    if (args.length > 0 || final !== "missing")
      throw this.#error(
        `can't give argument to non-function ${word.type === "pipe" ? printNode(word) : printNode(word)}`,
      );
  }

  #chainNode(dot: Value, node: Extract<Operand, { type: "chain" }>, call: Call): Value {
    this.#node = node;
    if (node.node.type === "nil")
      throw this.#error(`indirection through explicit nil in ${printNode(node)}`);
    const receiver = this.#argument(dot, "value", node.node);
    return this.#chain(dot, receiver, node, node.names, call);
  }

  #variableNode(dot: Value, node: Extract<Operand, { type: "variable" }>, call: Call): Value {
    this.#node = node;
    const value = this.#variable(node.name);
    if (node.names.length > 0) return this.#chain(dot, value, node, node.names, call);
    this.#noFunction(node, call.args, call.final);
    return value;
  }

  #chain(dot: Value, receiver: Value, node: Operand, names: readonly string[], call: Call): Value {
    let at = receiver;
    for (const [position, name] of names.entries()) {
      const isLast = position === names.length - 1;
      at = this.#field(dot, at, node, name, isLast ? call : NO_CALL);
    }
    return at;
  }

  #field(dot: Value, receiver: Value, node: Operand, name: string, call: Call): Value {
    if (!receiver) return undefined;
    const { value, isNil } = indirect(receiver);
    const typeName = receiver.type.name;
    if (isNil && value.type.kind === "interface")
      throw this.#error(`nil pointer evaluating ${typeName}.${name}`);
    const method = methodOf(value.type, name);
    if (method) return this.#method(dot, value, node, name, { method, call });
    const hasArgs = call.args.length > 0 || call.final !== "missing";
    const found = isNil ? undefined : memberOf(value, name);
    if (found) {
      if (hasArgs) throw this.#error(hasArguments(value, name));
      return found.value;
    }
    if (isNil && value.type.element && fieldOf(value.type.element, {}, name))
      throw this.#error(`nil pointer evaluating ${typeName}.${name}`);
    throw this.#error(`can't evaluate field ${name} in type ${typeName}`);
  }

  #method(
    dot: Value,
    receiver: GoValue,
    node: Operand,
    name: string,
    { method, call }: { readonly method: GoMethod; readonly call: Call },
  ): Value {
    const fn: GoFunction = {
      parameters: method.parameters,
      call: (args) => method.call(receiver.raw, args as readonly GoValue[]),
    };
    if (receiver.raw === null || receiver.raw === undefined)
      throw this.#error(`nil pointer evaluating ${receiver.type.name}.${name}`);
    return this.#apply(dot, fn, node, name, call);
  }

  #function(dot: Value, name: string, node: Command | Operand, call: Call): Value {
    const fn = functions[name];
    if (!fn) throw this.#error(`"${name}" is not a defined function`);
    this.#checkCount(fn, name, call);
    if (name === "and" || name === "or") return this.#shortCircuit(dot, name === "or", call);
    if (name === "call") this.#refuseCall(dot, node, call);
    return this.#apply(dot, fn, node, name, call);
  }

  #shortCircuit(dot: Value, stopAt: boolean, { args, final }: Call): Value {
    let value: Value;
    for (const arg of args) {
      value = this.#argument(dot, "value", arg);
      if (isTrue(unboxed(value)) === stopAt) return value;
    }
    return final === "missing" ? value : final.value;
  }

  /** Nothing that a template is given is a function. */
  #refuseCall(dot: Value, node: Command | Operand, { args, final }: Call): never {
    const [first] = args;
    const callee = first
      ? this.#argument(dot, "value", first)
      : final === "missing"
        ? undefined
        : final.value;
    const name = first ? printNode(first) : printValue(callee);
    this.#node = node;
    throw this.#error(
      callee
        ? `error calling call: non-function ${name} of type ${callee.type.name}`
        : "error calling call: call of nil",
    );
  }

  #checkCount(fn: GoFunction, name: string, { args, final }: Call): void {
    const count = args.length + Number(final !== "missing");
    const wanted = fn.parameters.length;
    if (fn.rest && count < wanted)
      throw this.#error(
        `wrong number of args for ${name}: want at least ${wanted} got ${args.length}`,
      );
    if (!fn.rest && count !== wanted)
      throw this.#error(`wrong number of args for ${name}: want ${wanted} got ${count}`);
  }

  #apply(dot: Value, fn: GoFunction, node: Command | Operand, name: string, call: Call): Value {
    this.#checkCount(fn, name, call);
    const values: Value[] = call.args.map((arg, position) =>
      this.#argument(dot, fn.parameters[position] ?? fn.rest ?? "value", arg),
    );
    if (call.final !== "missing") {
      const parameter = fn.parameters[values.length] ?? fn.rest ?? "value";
      values.push(this.#validate(call.final.value, parameter));
    }
    try {
      return fn.call(values);
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      this.#node = node;
      throw this.#error(`error calling ${name}: ${error.message}`);
    }
  }

  #argument(dot: Value, parameter: Parameter, node: Operand): Value {
    this.#node = node;
    switch (node.type) {
      case "dot":
        return this.#validate(dot, parameter);
      case "nil":
        if (parameter === "value" || canBeNil(parameter)) return undefined;
        throw this.#error(`cannot assign nil to ${parameter.name}`);
      case "field":
        return this.#validate(this.#chain(dot, dot, node, node.names, NO_CALL), parameter);
      case "variable":
        return this.#validate(this.#variableNode(dot, node, NO_CALL), parameter);
      case "pipe":
        return this.#validate(this.#pipe(dot, node), parameter);
      case "identifier":
        return this.#validate(this.#function(dot, node.name, node, NO_CALL), parameter);
      case "chain":
        return this.#validate(this.#chainNode(dot, node, NO_CALL), parameter);
      default:
        return this.#constant(parameter, node);
    }
  }

  #constant(
    parameter: Parameter,
    node: Extract<Operand, { type: "bool" | "number" | "string" }>,
  ): Value {
    if (parameter === "value" || parameter === goAny) return this.#literal(undefined, node);
    const wrong = (wanted: string) => this.#error(`expected ${wanted}; found ${printNode(node)}`);
    switch (parameter.kind) {
      case "bool":
        if (node.type !== "bool") throw wrong("bool");
        return { type: parameter, raw: node.value };
      case "string":
        if (node.type !== "string") throw wrong("string");
        return { type: parameter, raw: node.value };
      case "int":
        if (node.type !== "number" || node.constant.int === undefined) throw wrong("integer");
        return { type: parameter, raw: node.constant.int };
      default:
        throw this.#error(`can't handle ${printNode(node)} for arg of type ${parameter.name}`);
    }
  }

  /** Whether a value may be passed as it is, or as what it points to. */
  #validate(value: Value, parameter: Parameter): Value {
    if (parameter === "value" || parameter === goAny) return value;
    if (!value) {
      if (canBeNil(parameter)) return undefined;
      throw this.#error(`invalid value; expected ${parameter.name}`);
    }
    const inner = unboxed(value);
    if (inner?.type.name === parameter.name) return inner;
    if (inner?.type.element?.name === parameter.name && inner.type.kind === "pointer")
      return { type: parameter, raw: inner.raw };
    throw this.#error(
      `wrong type for value; expected ${parameter.name}; got ${(inner ?? value).type.name}`,
    );
  }

  #error(message: string): TemplateError {
    const node = this.#node;
    if (!node) return new TemplateError(`template: ${this.#template.name}: ${message}`);
    const before = this.#template.text.slice(0, node.position);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    return new TemplateError(
      `template: ${this.#template.name}:${line}:${column}: executing ${JSON.stringify(this.#name)} at <${printNode(node)}>: ${message}`,
    );
  }
}

/** What a function or method is given. */
interface Call {
  readonly args: readonly Operand[];
  readonly final: Final;
}

const NO_CALL: Call = { args: [], final: "missing" };
