import assert from "node:assert/strict";
import { test } from "node:test";
import { WholePattern } from "../../../sigstore/cosign/whole-pattern.ts";

test("a pattern has to fit the whole of a text, and none that is overlong", () => {
  const rows: readonly (readonly [source: string, text: string, fits: boolean])[] = [
    ["a|b", "a", true],
    ["a|b", "b", true],
    ["a|b", "ab", false],
    ["a|b", "b\n", false],
    ["a|b", "a\nb", false],
    ["", "", true],
    ["", "a", false],
    ["a.c", "a\nc", false],
    ["a$|b", "a", true],
    ["^a", "xa", false],
    ["A", "a", false],
    [".", "\u{1f600}", true],
    ["\\p{Lu}", "\u00c4", true],
    [".*", "a".repeat(2048), true],
    [".*", "a".repeat(2049), false],
  ];
  for (const [source, text, fits] of rows) {
    const why = JSON.stringify([source, text.slice(0, 9)]);
    assert.equal(new WholePattern(source).fits(text), fits, why);
  }
});

test("what is a pattern only between others, or only to lenient readers, is none", () => {
  for (const source of ["(", ")", "a)|(b", "a)(?:b", "[", "\\", "\\-", "{", "a{1", "*"]) {
    assert.throws(() => new WholePattern(source), { code: "signature.bad-trust" }, source);
  }
});
