import type { Value } from "./go-type.ts";
import type { Place } from "./place.ts";

interface Binding {
  readonly name: string;
  value: Value;
}

/** The variables of a run, by their names with the `$`; one declared later hides one of the same name. */
export class Variables {
  readonly #place: Place;
  readonly #bindings: Binding[];

  /** @param dollar what `$` is */
  constructor(place: Place, dollar: Value) {
    this.#place = place;
    this.#bindings = [{ name: "$", value: dollar }];
  }

  declare(name: string, value: Value): void {
    this.#bindings.push({ name, value });
  }

  /** @throws {TemplateError} where there is none of that name */
  assign(name: string, value: Value): void {
    this.#find(name).value = value;
  }

  /** @throws {TemplateError} where there is none of that name */
  get(name: string): Value {
    return this.#find(name).value;
  }

  /** Those declared in `work` are gone after it. */
  scoped<T>(work: () => T): T {
    const size = this.#bindings.length;
    const result = work();
    this.#bindings.length = size;
    return result;
  }

  #find(name: string): Binding {
    const binding = this.#bindings.findLast((each) => each.name === name);
    if (!binding) throw this.#place.error(`undefined variable: ${name}`);
    return binding;
  }
}
