import { valueFor } from "./arguments.ts";
import { FunctionError, type GoFunction, type Parameter } from "./function.ts";
import { functions } from "./functions.ts";
import { type GoMethod, type GoValue, isTrue, unboxed, type Value } from "./go-type.ts";
import { type Command, type Operand, printNode } from "./nodes.ts";
import type { Place } from "./place.ts";
import { printValue } from "./verbs.ts";

/** What a function or method is given. */
export interface Given {
  readonly args: readonly Operand[];
  /** What comes down the pipe; "missing" is not the same as a value that is nothing. */
  readonly final: { readonly value: Value } | "missing";
}

/** Where nothing can be given. */
export const nothingGiven: Given = { args: [], final: "missing" };

/** Who calls. */
export interface Caller {
  readonly place: Place;
  /** What a word is, as a function takes it. */
  evaluate(word: Operand, parameter: Parameter): Value;
}

/** What is called: its name, and where an error of its own is told to be. */
export interface Called {
  readonly name: string;
  readonly node: Command | Operand;
}

/** @throws {TemplateError} for what it does not take, and for what it says */
export function callFunction(called: Called, given: Given, caller: Caller): Value {
  const { name } = called;
  const fn = functions[name];
  if (!fn) throw caller.place.error(`"${name}" is not a defined function`);
  checkCount(fn, name, given, caller);
  if (name === "and" || name === "or") return shortCircuit(name === "or", given, caller);
  if (name === "call") refuseCall(called, given, caller);
  return apply(fn, called, given, caller);
}

/** @throws {TemplateError} for what it does not take, and where the receiver is nil */
export function callMethod(
  method: GoMethod,
  receiver: GoValue,
  called: Called,
  given: Given,
  caller: Caller,
): Value {
  const { parameters } = method;
  const { raw, type } = receiver;
  if (raw === null || raw === undefined)
    throw caller.place.error(`nil pointer evaluating ${type.name}.${called.name}`);
  const call = (args: readonly Value[]) => method.call(raw, args as readonly GoValue[]);
  const fn: GoFunction = { parameters, call };
  checkCount(fn, called.name, given, caller);
  return apply(fn, called, given, caller);
}

function checkCount(fn: GoFunction, name: string, { args, final }: Given, { place }: Caller): void {
  const count = args.length + Number(final !== "missing");
  const wanted = fn.parameters.length;
  if (fn.rest && count < wanted)
    throw place.error(
      `wrong number of args for ${name}: want at least ${wanted} got ${args.length}`,
    );
  if (!fn.rest && count !== wanted)
    throw place.error(`wrong number of args for ${name}: want ${wanted} got ${count}`);
}

function shortCircuit(stopAt: boolean, { args, final }: Given, caller: Caller): Value {
  let value: Value;
  for (const arg of args) {
    value = caller.evaluate(arg, "value");
    if (isTrue(unboxed(value)) === stopAt) return value;
  }
  return final === "missing" ? value : final.value;
}

/** Nothing that a template is given is a function. */
function refuseCall({ node }: Called, { args: [first], final }: Given, caller: Caller): never {
  const piped = final === "missing" ? undefined : final.value;
  const callee = first ? caller.evaluate(first, "value") : piped;
  const name = first ? printNode(first) : printValue(callee);
  caller.place.at(node);
  throw caller.place.error(
    callee
      ? `error calling call: non-function ${name} of type ${callee.type.name}`
      : "error calling call: call of nil",
  );
}

function apply(fn: GoFunction, { name, node }: Called, given: Given, caller: Caller): Value {
  const { args, final } = given;
  const { place } = caller;
  const parameterAt = (position: number) => fn.parameters[position] ?? fn.rest ?? "value";
  const values = args.map((arg, position) => caller.evaluate(arg, parameterAt(position)));
  if (final !== "missing") values.push(valueFor(parameterAt(values.length), final.value, place));
  try {
    return fn.call(values);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    place.at(node);
    throw place.error(`error calling ${name}: ${error.message}`);
  }
}
