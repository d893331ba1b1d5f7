import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/threat-model.md"), "utf8");
const rows = page.split("\n").filter((line) => /^\| (?!attacker |---)/.test(line));

/** The tests that a line names: file and name. */
function testsIn(line: string): readonly (readonly [file: string, name: string])[] {
  const found = line.matchAll(/`(test\/[^`]+\.test\.ts)` "([^"]+)"/g);
  return [...found].map(([, file = "", name = ""]) => [file, name]);
}

test("every line of the threat model names a test", () => {
  assert.ok(rows.length > 20);
  assert.deepEqual(
    rows.filter((line) => testsIn(line).length === 0),
    [],
  );
});

test("every test that the threat model names exists", () => {
  const absent = testsIn(page).filter(([file, name]) => {
    if (!existsSync(join(root, file))) return true;
    const text = readFileSync(join(root, file), "utf8");
    const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return !new RegExp(`\\btest\\(\\s*["'\`]${quoted}["'\`]`).test(text);
  });
  assert.deepEqual(absent, []);
});
