import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { builtProgram } from "../support/built.ts";
import { requirePeer, skipWithout } from "../support/peers.ts";
import { cases } from "./differential/cases.ts";
import { deviations } from "./differential/deviations.ts";
import { differences, modernised } from "./differential/differences.ts";
import { type Outcome, outcomeOf } from "./differential/outcome.ts";

const fixture = new URL("../fixtures/skopeo/1.22.json", import.meta.url);
/** What skopeo 1.22 answers where Debian's 1.9 answers otherwise; see the README beside it. */
const newer: Readonly<Record<string, Outcome>> = JSON.parse(readFileSync(fixture, "utf8"));

const ours = {
  path: process.execPath,
  args: [await builtProgram()],
  // As bin/amphora hands on the name of the link that it was called by.
  env: { AMPHORA_CALLED_AS: "/usr/local/bin/skopeo" },
};

// Which image of a list is chosen shows in the answers, and the fixture was made on this one.
const skip = process.arch === "x64" ? false : "answers were recorded on x64";

/** Half of them, an eighth of all the tests' time: AMPHORA_SOAK=1 runs them whole. */
const tried =
  process.env["AMPHORA_SOAK"] === "1" ? cases : cases.filter((_, index) => index % 2 === 0);

suite("called as skopeo, we answer as skopeo", { concurrency: 3, skip }, () => {
  for (const one of tried) {
    const known = newer[one.name];
    const deviation = deviations.find((row) => row.cases.test(one.name));
    test(one.name, { skip: known ? false : skipWithout("skopeo") }, async () => {
      const expected = known ?? modernised(await outcomeOf({ path: requirePeer("skopeo") }, one));
      const actual = await outcomeOf(ours, one);
      if (deviation) deviation.check(actual, expected);
      else assert.deepEqual(actual, expected);
    });
  }
});

test("every difference between the versions has its reason", () => {
  const unexplained = Object.keys(newer).filter(
    (name) => !differences.some((row) => row.cases.test(name)),
  );
  assert.deepEqual(unexplained, []);
  const names = cases.map((one) => one.name);
  assert.deepEqual(
    Object.keys(newer).filter((name) => !names.includes(name)),
    [],
  );
  const unused = [...differences, ...deviations].filter(
    (row) => !names.some((name) => row.cases.test(name)),
  );
  assert.deepEqual(
    unused.map((row) => row.reason),
    [],
  );
});
