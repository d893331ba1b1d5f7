import assert from "node:assert/strict";
import { test } from "node:test";
import { putEntry, removeEntry, renameEntry } from "../../src/layout/entries.ts";
import {
  emptyIndex,
  formatLayoutIndex,
  type LayoutIndex,
  newEntry,
  parseLayoutIndex,
} from "../../src/layout/index-file.ts";
import { IndexMemory } from "../../src/layout/index-memory.ts";

const bytesOf = (index: LayoutIndex) => Buffer.from(formatLayoutIndex(index));
const entry = (hex: string) => newEntry("application/x", `sha256:${hex.repeat(64)}`, 3);

test("an index that was changed is what reading it back gives", () => {
  let index = emptyIndex;
  const steps: readonly ((index: LayoutIndex) => LayoutIndex)[] = [
    (one) => putEntry(one, entry("a"), "v1"),
    (one) => putEntry(one, entry("b"), "v1"), // the first loses its name
    (one) => putEntry(one, entry("c"), undefined),
    (one) => renameEntry(one, "v1", "v2"),
    (one) => putEntry(one, entry("a"), "v2"),
    (one) => removeEntry(one, 0),
  ];
  for (const [number, step] of steps.entries()) {
    index = step(index);
    assert.deepEqual(parseLayoutIndex(bytesOf(index)), index, `after step ${number}`);
  }
});

test("the same bytes are not parsed again, and others are", () => {
  const memory = new IndexMemory();
  const [one, other] = [
    putEntry(emptyIndex, entry("a"), "v1"),
    putEntry(emptyIndex, entry("b"), "v1"),
  ];
  const first = memory.parsed("/l/index.json", bytesOf(one));
  assert.equal(memory.parsed("/l/index.json", bytesOf(one)), first);
  assert.deepEqual(memory.parsed("/l/index.json", bytesOf(other)), other);
  assert.deepEqual(memory.parsed("/m/index.json", bytesOf(one)), one);
  memory.keep("/l/index.json", bytesOf(one), one);
  assert.equal(memory.parsed("/l/index.json", bytesOf(one)), one);
  assert.throws(() => memory.parsed("/l/index.json", Buffer.from("{")), { code: "layout.invalid" });
});

test("of many layouts the last few are known", () => {
  const memory = new IndexMemory();
  const index = putEntry(emptyIndex, entry("a"), "v1");
  const first = memory.parsed("/0/index.json", bytesOf(index));
  for (let number = 1; number < 20; number++)
    memory.parsed(`/${number}/index.json`, bytesOf(index));
  assert.notEqual(memory.parsed("/0/index.json", bytesOf(index)), first);
});
