import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStrictJson } from "../../src/core/strict-json.ts";
import { assertLinear } from "../support/effort.ts";

const parse = (text: string | Uint8Array, maxDepth = 1000) =>
  parseStrictJson(typeof text === "string" ? Buffer.from(text) : text, { maxDepth });

const accepted: readonly (readonly [text: string, value: unknown])[] = [
  ["null", null],
  [" \t\r\n true \n", true],
  ["-0.5e-1", -0.05],
  ["1E400".replace("400", "30"), 1e30],
  ['"\\u00e9\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t"', 'é😀"\\/\b\f\n\r\t'],
  ['"\\ud800"', "\ufffd"],
  ['"\\udc00\\ud800"', "\ufffd\ufffd"],
  ['"\\ud83d😀"', "\ufffd😀"],
  ["[]", []],
  ["[1,[2],{}]", [1, [2], new Map()]],
  [
    '{"a":{"a":1},"A":2}',
    new Map<string, unknown>([
      ["a", new Map([["a", 1]])],
      ["A", 2],
    ]),
  ],
  [
    '{"__proto__":1,"constructor":2,"":3}',
    new Map([
      ["__proto__", 1],
      ["constructor", 2],
      ["", 3],
    ]),
  ],
];

for (const [text, value] of accepted) {
  test(`parseStrictJson() reads ${text}`, () => {
    assert.deepEqual(parse(text), value);
  });
}

// The texts are those of Go's encoding/json, which other tools' tests look for.
const refused: readonly (readonly [text: string, message: string])[] = [
  ["", "unexpected end of JSON input"],
  ["{", "unexpected end of JSON input"],
  ['{"a"', "unexpected end of JSON input"],
  ['"a', "unexpected end of JSON input"],
  ['"\\', "invalid character ' ' in string escape code"],
  ["[1", "unexpected end of JSON input"],
  ["-", "invalid character ' ' in numeric literal"],
  ["tru", "invalid character ' ' in literal true (expecting 'e')"],
  ["{}x", "invalid character 'x' after top-level value"],
  ["{}{}", "invalid character '{' after top-level value"],
  ["{}\0", "invalid character '\\x00' after top-level value"],
  ["01", "invalid character '1' after top-level value"],
  ["\ufeff{}", "invalid character 'ï' looking for beginning of value"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
  ["NaN", "invalid character 'N' looking for beginning of value"],
  ["+1", "invalid character '+' looking for beginning of value"],
  [".5", "invalid character '.' looking for beginning of value"],
  ["[,]", "invalid character ',' looking for beginning of value"],
  ["[1,]", "invalid character ']' looking for beginning of value"],
  ["/**/1", "invalid character '/' looking for beginning of value"],
  ["\u00a01", "invalid character 'Â' looking for beginning of value"],
  ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ["[1 2]", "invalid character '2' after array element"],
  ["[1}", "invalid character '}' after array element"],
  ["-a", "invalid character 'a' in numeric literal"],
  ["1.x", "invalid character 'x' after decimal point in numeric literal"],
  ["1ex", "invalid character 'x' in exponent of numeric literal"],
  ["trux", "invalid character 'x' in literal true (expecting 'e')"],
  ["nil", "invalid character 'i' in literal null (expecting 'u')"],
  ['"\n"', "invalid character '\\n' in string literal"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['{"a":1,"a":1}', 'Duplicate key "a"'],
  ['{"critical":1,"\\u0063ritical":1}', 'Duplicate key "critical"'],
  ['[{"__proto__":1,"__proto__":2}]', 'Duplicate key "__proto__"'],
  ["1e999", "json: cannot unmarshal number 1e999 into Go value of type float64"],
];

for (const [text, message] of refused) {
  test(`parseStrictJson() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parse(text), { code: "content.bad-json", message });
  });
}

test("parseStrictJson() replaces what is no UTF-8, byte by byte as Go does", () => {
  const text = (...bytes: readonly number[]) => parse(Uint8Array.of(0x22, ...bytes, 0x22));
  assert.equal(text(0xff), "\ufffd");
  assert.equal(text(0xc3, 0x28), "\ufffd(");
  assert.equal(text(0xe2, 0x82, 0x61), "\ufffd\ufffda");
  assert.equal(text(0xed, 0xa0, 0x80), "\ufffd\ufffd\ufffd");
  assert.equal(text(0xc0, 0xaf), "\ufffd\ufffd");
  assert.equal(text(0xf0, 0x9f, 0x98, 0x80), "😀");
  assert.throws(() => parse(Uint8Array.of(0xff)), {
    message: "invalid character 'ÿ' looking for beginning of value",
  });
});

test("parseStrictJson() goes as deep as it is told and no deeper", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assert.deepEqual(parse(nested(3), 3), [[[]]]);
  assert.doesNotThrow(() => parse(nested(1000)));
  const message = "exceeded max depth";
  assert.throws(() => parse(nested(4), 3), { code: "content.bad-json", message });
  assert.throws(() => parse('{"a":{"a":1}}', 1), { code: "content.bad-json", message });
  assert.throws(() => parse("[".repeat(4_000_000)), { code: "content.bad-json", message });
});

for (const piece of ["\\n", "x", "\\u0041", " ", "é"]) {
  test(`parseStrictJson() takes no longer a byte for much of "${piece}"`, () => {
    assertLinear(2 ** 18, (size) => {
      const text = `"${piece.repeat(size / Buffer.byteLength(piece))}"`;
      assert.equal(typeof parse(text), "string");
    });
  });
}

for (const [open, piece, end] of [
  ["[", "1,", ""],
  ["{", '"a":1,', '"b":1}'], // the same member again and again
] as const) {
  test(`parseStrictJson() takes no longer a byte for much of ${piece}`, () => {
    assertLinear(2 ** 18, (size) => {
      const text = open + piece.repeat(size / piece.length) + end;
      assert.throws(() => parse(text), { code: "content.bad-json" });
    });
  });
}
