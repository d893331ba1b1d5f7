import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "../../src/registry/challenge.ts";
import { assertLinear } from "../support/effort.ts";

type Row = readonly [lines: readonly string[], challenges: readonly (readonly [string, object])[]];

const rows: readonly Row[] = [
  [
    ['Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"'],
    [["bearer", { realm: "https://a/t", service: "s", scope: "repository:x:pull,push" }]],
  ],
  [["Basic realm=registry"], [["basic", { realm: "registry" }]]],
  [
    ['BASIC realm="Sonatype Nexus Repository Manager"'],
    [["basic", { realm: "Sonatype Nexus Repository Manager" }]],
  ],
  [['Bearer realm = "https://a" , service= s'], [["bearer", { realm: "https://a", service: "s" }]]],
  [[String.raw`Basic realm="a \"b\" \\c"`], [["basic", { realm: String.raw`a "b" \c` }]]],
  // several in one line, and several lines
  [
    ['Basic realm="a", Bearer realm="b",service="c"'],
    [
      ["basic", { realm: "a" }],
      ["bearer", { realm: "b", service: "c" }],
    ],
  ],
  [
    ['Basic realm="a"', 'Bearer realm="b"'],
    [
      ["basic", { realm: "a" }],
      ["bearer", { realm: "b" }],
    ],
  ],
  // token68, which belongs to nobody here
  [
    ["Negotiate", 'Basic realm="x"'],
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    ["Negotiate YWJj==, Basic realm=x"],
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  // bare values with what a token may not hold
  [
    ["Bearer realm=https://a:5000/token?x,service=a:b"],
    [["bearer", { realm: "https://a:5000/token?x", service: "a:b" }]],
  ],
  // the first of a name counts; names in any case; empty and trailing commas
  [['Bearer Realm="a",REALM="b",,service="s",'], [["bearer", { realm: "a", service: "s" }]]],
  [['Bearer realm="a" service="s"'], [["bearer", { realm: "a", service: "s" }]]],
  [['Bearer realm=""'], [["bearer", { realm: "" }]]],
  // broken
  [['Bearer realm="never ends'], [["bearer", { realm: "never ends" }]]],
  [[""], []],
  [['=,="",'], []],
];

for (const [lines, expected] of rows) {
  test(`parseChallenges() reads ${lines.join(" | ")}`, () => {
    const found = parseChallenges(lines).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    const named = found.filter(
      ([scheme, parameters]) => scheme !== "ywjj" || Object.keys(parameters as object).length > 0,
    );
    assert.deepEqual(named, expected);
  });
}

for (const piece of ["=", "a=", '"', "a ", 'a="\\', ",=,", " ="]) {
  test(`parseChallenges() takes no longer a byte for a header full of ${piece}`, () => {
    assertLinear(30_000, (count) => parseChallenges([piece.repeat(count)]));
  });
}
