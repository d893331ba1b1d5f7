import type { GoType, GoValue } from "./go-type.ts";

/** What a function takes: a type, or anything at all, even nothing. */
export type Parameter = GoType | "value";

/** A function that templates may call. */
export interface GoFunction {
  readonly parameters: readonly Parameter[];
  /** What any further arguments are. */
  readonly rest?: Parameter;
  /** @throws {FunctionError} */
  readonly call: (args: readonly (GoValue | undefined)[]) => GoValue | undefined;
}

/** What a function says is wrong with its arguments. */
export class FunctionError extends Error {}
