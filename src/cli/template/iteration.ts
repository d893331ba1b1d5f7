import { entriesOf, type GoValue, indirect, int, itemsOf, text, type Value } from "./go-type.ts";
import type { Place } from "./place.ts";
import { printValue } from "./verbs.ts";

/**
 * What `range` goes over, each with its index or key: none where there is no value.
 *
 * @param variables declared with the range
 * @throws {TemplateError} where it cannot go over that
 */
export function iterate(
  value: Value,
  variables: number,
  place: Place,
): Iterable<readonly [Value, Value]> {
  if (!value) return [];
  const { value: target } = indirect(value);
  switch (target.type.kind) {
    case "slice":
      return itemsOf(target).map((item, index) => [int(index), item] as const);
    case "map":
      return entriesOf(target).map(([key, item]) => [text(key), item] as const);
    case "int":
      if (variables > 1)
        throw place.error(`can't use ${printValue(target)} to iterate over more than one variable`);
      return countTo(target);
    default:
      throw place.error(`range can't iterate over ${printValue(target)}`);
  }
}

/** The numbers below an int, one by one: they may be many. */
function* countTo({ type, raw }: GoValue): Iterable<readonly [Value, Value]> {
  for (let at = 0n; at < (raw as bigint); at += 1n)
    yield [
      { type, raw: at },
      { type, raw: at },
    ];
}
