import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConstraint } from "../../../src/sync/selection/constraint.ts";
import { ConstraintError } from "../../../src/sync/selection/constraint-text.ts";
import { compareVersions, parseVersion } from "../../../src/sync/selection/version.ts";

// What skopeo 1.22 chose of these tags: `skopeo sync --dry-run --src yaml` with images-by-semver.
const tags =
  "0 0.0.0-a 0.0.1 0.0.2 0.1.5 0.2.3 0.2.9 v1 1.0.0-rc1 1.0.0-rc.2 1.0.0-rc.10 1.1.9 1.2 1.2.3 1.2.3-beta 1.2.3-beta.2 1.2.3-9 1.2.3-10 1.2-3 1.2.4-alpha v1.2.5 1.3.0 2.0.0 2.0.0-alpha 03.12 3.12.1-alpine3.18 11.1 11.1.1 12 18446744073709551615 1.2.3-01 18446744073709551616 1.2.3.4 V1.2.3 1.2.x 1.2.3_4 latest";
const chosen: readonly (readonly [constraint: string, expected: string])[] = [
  [">= 3.12.0", "03.12 11.1 11.1.1 12 18446744073709551615"],
  ["=>11.1.1", "11.1.1 12 18446744073709551615"],
  ["~1.2", "1.2 1.2.3 v1.2.5"],
  ["~>1.2", "1.2 1.2.3 v1.2.5"],
  [
    "~0.0.0",
    "0 0.0.1 0.0.2 0.1.5 0.2.3 0.2.9 v1 1.1.9 1.2 1.2.3 v1.2.5 1.3.0 2.0.0 03.12 11.1 11.1.1 12 18446744073709551615",
  ],
  ["~0.0.1", "0.0.1 0.0.2"],
  ["^1.2.3", "1.2.3 v1.2.5 1.3.0"],
  ["^0.2", "0.2.3 0.2.9"],
  ["^0.0.1", "0.0.1"],
  ["^0", "0 0.0.1 0.0.2 0.1.5 0.2.3 0.2.9"],
  ["^*", "0"],
  ["1.2.x", "1.2 1.2.3 v1.2.5"],
  ["1.x.3", "v1 1.1.9 1.2 1.2.3 v1.2.5 1.3.0"],
  ["v1.2.3", "1.2.3"],
  ["1.2 - 1.2.3", "1.2 1.2.3"],
  ["1.2 - 1", "1.2 1.2.3 v1.2.5 1.3.0"],
  ["0.0.1 - 0.1 || 11 - 12", "0.0.1 0.0.2 0.1.5 11.1 11.1.1 12"],
  ["<0.1||>=2 <12, !=11.1", "0 0.0.1 0.0.2 2.0.0 03.12"],
  ["!=1.x, <11", "0 0.0.1 0.0.2 0.1.5 0.2.3 0.2.9 2.0.0 03.12"],
  ["!=1.2, ^1.1", "1.1.9 1.3.0"],
  ["!=*, <0.1", "0.0.1 0.0.2"],
  [">11", "12 18446744073709551615"],
  [">11.1", "12 18446744073709551615"],
  [">11.1.0, <12", "11.1.1"],
  [">* <0.1", "0.0.1 0.0.2"],
  ["<=*", "0 0.0.1 0.0.2"],
  ["<*", ""],
  ["=<0.1", "0 0.0.1 0.0.2 0.1.5"],
  [">=1.2.3-0 <1.2.4", "1.2.3 1.2.3-beta 1.2.3-beta.2 1.2.3-9 1.2.3-10 1.2.4-alpha"],
  ["~1.2.3-beta", "1.2.3 1.2.3-beta 1.2.3-beta.2 1.2.4-alpha v1.2.5"],
  [">=1.0.0-rc.2 <=1.0.0", "v1 1.0.0-rc1 1.0.0-rc.2 1.0.0-rc.10"],
  ["1.2.3-beta", "1.2.3-beta"],
  ["1.0-2.0 <1.0", "1.0.0-rc1 1.0.0-rc.2 1.0.0-rc.10"],
  ["1.2.3+b", "1.2.3"],
  [" 18446744073709551615 ", "18446744073709551615"],
  ["> 1.2 <  1.3", ""],
];

test("constraints choose what skopeo chooses", () => {
  for (const [constraint, expected] of chosen) {
    const fits = parseConstraint(constraint);
    const found = tags.split(" ").filter((tag) => {
      const version = parseVersion(tag);
      return version !== undefined && fits(version);
    });
    assert.equal(found.join(" "), expected, constraint);
  }
});

test("what skopeo takes for no constraint is none, in its words", () => {
  const improper = [
    "",
    "  ",
    "1.2,",
    "1.2,,1.3",
    ", 1.2",
    ">=",
    "abc",
    ">=1.2.3.4",
    "1||",
    "1.2 || abc",
    ">1.2<1.3",
    "1.0 -2.0",
    "=1.0 - 2.0",
    "!1",
    "==1",
    "~ > 1",
    "~V1",
    "1.x 1.0 - 2.0",
    "> 1\u00a0",
  ];
  for (const text of improper)
    assert.throws(
      () => parseConstraint(text),
      { code: "usage.bad-constraint", message: /^improper constraint: / },
      text,
    );
  for (const text of ["1|2", ">18446744073709551616", "1.2.3-01"])
    assert.throws(() => parseConstraint(text), { message: "constraint parser error" }, text);
});

test("constraints made to take long are refused or read at once", () => {
  for (const text of [
    "1 , ".repeat(250),
    "1  ".repeat(300),
    `${"1".repeat(500)}!`,
    `1-${"a.".repeat(400)}`,
    "1 - ".repeat(250),
    "x".repeat(100_000),
    "||".repeat(500),
  ]) {
    try {
      parseConstraint(text);
    } catch (error) {
      assert.ok(error instanceof ConstraintError);
    }
  }
});

test("versions are ordered as semver.org has it", () => {
  const inOrder =
    "0.0.1-1 0.0.1 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1 1.0.1 1.2 1.10 v2 18446744073709551615".split(
      " ",
    );
  const versions = inOrder.map((text) => parseVersion(text) ?? assert.fail(text));
  for (const [at, one] of versions.entries())
    for (const [other, two] of versions.entries())
      assert.equal(
        Math.sign(compareVersions(one, two)),
        Math.sign(at - other),
        `${inOrder[at]} ${inOrder[other]}`,
      );
});
