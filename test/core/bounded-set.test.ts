import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedSet } from "../../src/core/bounded-set.ts";

test("BoundedSet keeps the last values that it was given", () => {
  const set = new BoundedSet<number>(3);
  for (const value of [1, 2, 3]) set.add(value);
  set.add(1);
  set.add(4);
  assert.deepEqual(
    [1, 2, 3, 4].filter((value) => set.has(value)),
    [1, 3, 4],
  );
  assert.equal(set.size, 3);
  set.delete(3);
  assert.equal(set.has(3), false);
  set.clear();
  assert.equal(set.size, 0);
});
