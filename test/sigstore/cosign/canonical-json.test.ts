import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson } from "../../../sigstore/cosign/canonical-json.ts";
import { parseJsonText } from "../../../src/core/json-text.ts";

const canonical = (text: string) => canonicalJson(parseJsonText(text, { maxDepth: 100 }));

test("members are sorted by UTF-16, numbers and strings written as ECMAScript does", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{ "b" : [ 1 , {} , [] ] , "a" : null }', '{"a":null,"b":[1,{},[]]}'],
    ['{"\\ud83d\\ude00":1,"\\ufb33":2,"1":3,"":4}', '{"":4,"1":3,"\u{1f600}":1,"\ufb33":2}'],
    ['{"10":1,"9":2}', '{"10":1,"9":2}'],
    [
      "[1e3,1.50,-0,1E-7,333333333.33333329,1e21,0.000001]",
      "[1000,1.5,0,1e-7,333333333.3333333,1e+21,0.000001]",
    ],
    ['"\\u20ac$\\u000F\\nA\'\\u0042\\"\\\\\\/\\u2028"', '"€$\\u000f\\nA\'B\\"\\\\/\u2028"'],
    ['{"__proto__":1,"constructor":2}', '{"__proto__":1,"constructor":2}'],
    ["true", "true"],
  ];
  for (const [text, expected] of cases) assert.equal(canonical(text), expected);
});

test("what is canonical stays as it is", () => {
  const once = canonical('{"z":[1.0e-9,"\\u00e4"],"a":{"c":1,"b":2}}');
  assert.equal(canonical(once), once);
});

test("two members of one name, and numbers beyond a double, are refused", () => {
  const bad = { code: "content.bad-json" };
  assert.throws(() => canonical('{"a":1,"\\u0061":1}'), bad);
  assert.throws(() => canonical("1e999"), bad);
});
