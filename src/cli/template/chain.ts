import { type Called, type Caller, callMethod, type Given, nothingGiven } from "./call.ts";
import { fieldOf, indirect, type Value } from "./go-type.ts";
import { hasArguments, memberOf, methodOf } from "./members.ts";
import type { Operand } from "./nodes.ts";

/** `.Name.Name`, by itself or behind something. */
export type Chain = Extract<Operand, { readonly type: "field" | "variable" | "chain" }>;

/**
 * Follows a chain's names from `receiver`: fields, entries of maps, methods. What is given goes to the last.
 *
 * @throws {TemplateError} where a name leads nowhere
 */
export function follow(receiver: Value, node: Chain, given: Given, caller: Caller): Value {
  let at = receiver;
  for (const [position, name] of node.names.entries()) {
    const isLast = position === node.names.length - 1;
    at = step(at, { name, node }, isLast ? given : nothingGiven, caller);
  }
  return at;
}

function step(receiver: Value, called: Called, given: Given, caller: Caller): Value {
  if (!receiver) return undefined;
  const { place } = caller;
  const { name } = called;
  const { value, isNil } = indirect(receiver);
  const typeName = receiver.type.name;
  if (isNil && value.type.kind === "interface")
    throw place.error(`nil pointer evaluating ${typeName}.${name}`);
  const method = methodOf(value.type, name);
  if (method) return callMethod(method, value, called, given, caller);
  const found = isNil ? undefined : memberOf(value, name);
  if (found) {
    if (given.args.length > 0 || given.final !== "missing")
      throw place.error(hasArguments(value, name));
    return found.value;
  }
  if (isNil && value.type.element && fieldOf(value.type.element, {}, name))
    throw place.error(`nil pointer evaluating ${typeName}.${name}`);
  throw place.error(`can't evaluate field ${name} in type ${typeName}`);
}
