import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { builtProgram } from "../support/built.ts";
import { requirePeer, skipWithout } from "../support/peers.ts";
import { signingCases } from "./differential/cases-signing.ts";
import { modernised } from "./differential/differences.ts";
import { type Outcome, outcomeOf } from "./differential/outcome.ts";
import { signingDeviations, signingDifferences } from "./differential/signing-answers.ts";

const fixture = new URL("../fixtures/skopeo/1.22-signing.json", import.meta.url);
/** What skopeo 1.22 answers where Debian's 1.9 answers otherwise; see the README beside it. */
const newer: Readonly<Record<string, Outcome>> = JSON.parse(readFileSync(fixture, "utf8"));

const ours = {
  path: process.execPath,
  args: [await builtProgram()],
  env: { AMPHORA_CALLED_AS: "/usr/local/bin/skopeo" },
};

suite("called as skopeo, we sign and verify as skopeo", { concurrency: 3 }, () => {
  for (const one of signingCases) {
    const known = newer[one.name];
    const deviation = signingDeviations.find((row) => row.cases.test(one.name));
    const skip = known ? skipWithout("gpg") : skipWithout("gpg", "skopeo");
    test(one.name, { skip }, async () => {
      const expected = known ?? modernised(await outcomeOf({ path: requirePeer("skopeo") }, one));
      const actual = await outcomeOf(ours, one);
      if (deviation) deviation.check(actual, expected);
      else assert.deepEqual(actual, expected);
    });
  }
});

test("every difference between the versions has its reason, and is one", () => {
  const names = signingCases.map((one) => one.name);
  const recorded = Object.keys(newer);
  assert.deepEqual(
    recorded.filter((name) => !signingDifferences.some((row) => row.cases.test(name))),
    [],
  );
  assert.deepEqual(
    recorded.filter((name) => !names.includes(name)),
    [],
  );
  const unused = [...signingDifferences, ...signingDeviations].filter(
    (row) => !names.some((name) => row.cases.test(name)),
  );
  assert.deepEqual(unused, []);
});
