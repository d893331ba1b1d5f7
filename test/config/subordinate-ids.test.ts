import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { loadSubordinateIds } from "../../src/config/load-subordinate-ids.ts";
import {
  mapIds,
  parseIdMap,
  parseListedIds,
  parseSubordinateIds,
} from "../../src/config/subordinate-ids.ts";
import { createMachine } from "./temporary.ts";

const ann = { name: "ann", uid: 1000 };

for (const [text, expected] of [
  ["", []],
  ["ann:100000:65536\n", [[100000, 65536]]],
  ["1000:100000:65536", [[100000, 65536]]],
  // the lowest goes first, as podman has it
  [
    "ann:300000:10\nbob:1:2\n1000:200000:5\n",
    [
      [200000, 5],
      [300000, 10],
    ],
  ],
  ["# ann:1:2\n  ann:100:1  \n", [[100, 1]]],
  // what is no line of three numbers is nobody's
  ["ann:1\nann:1:2:3\nann:x:2\nann:1:-2\nann::\nann:9:0\nann:7:99999999999\n", []],
  ["anna:1:2\n10000:1:2\n", []],
] as const) {
  test(`parseSubordinateIds() of ${JSON.stringify(text)}`, () => {
    const ranges = parseSubordinateIds(text, ann);
    assert.deepEqual(
      ranges.map(({ start, length }) => [start, length]),
      expected,
    );
  });
}

test("a number that passwd does not know has the ranges of the number only", () => {
  const text = "undefined:1:2\n:3:4\n1000:5:6\n";
  assert.deepEqual(parseSubordinateIds(text, { name: undefined, uid: 1000 }), [
    { start: 5, length: 6 },
  ]);
});

test("mapIds() makes the user root, and leaves no gap", () => {
  const ranges = parseListedIds("0: ann 100 10\n1: ann 500 5\n");
  const map = mapIds(1000, ranges);
  const text = map.map(({ inside, outside, length }) => `  ${inside} ${outside}  ${length}\n`);
  assert.deepEqual(text, ["  0 1000  1\n", "  1 100  10\n", "  11 500  5\n"]);
  assert.deepEqual(parseIdMap(text.join("")), map);
});

test("getsubids is asked where nsswitch.conf has another source", async (t) => {
  const machine = createMachine(t);
  machine.write("etc/subuid", "ann:1:2\n");
  machine.write("etc/subgid", "ann:3:4\n");
  const files = { users: [{ start: 1, length: 2 }], groups: [{ start: 3, length: 4 }] };
  assert.deepEqual(await loadSubordinateIds(machine.environment, ann), files);
  machine.write("etc/nsswitch.conf", "passwd: files sss\nsubid: files # only\n");
  assert.deepEqual(await loadSubordinateIds(machine.environment, ann), files);
  machine.write("etc/nsswitch.conf", "passwd: files\nsubid: sss\n");
  const program = '#!/bin/sh\n[ "$1" = -g ] && echo "0: $2 70 7" || echo "0: $1 50 5"\n';
  chmodSync(machine.write("bin/getsubids", program), 0o755);
  const path = process.env["PATH"];
  t.after(() => {
    process.env["PATH"] = path;
  });
  process.env["PATH"] = `${machine.path("bin")}:${path}`;
  assert.deepEqual(await loadSubordinateIds(machine.environment, ann), {
    users: [{ start: 50, length: 5 }],
    groups: [{ start: 70, length: 7 }],
  });
  chmodSync(machine.path("bin/getsubids"), 0o644);
  process.env["PATH"] = machine.path("bin");
  assert.deepEqual(await loadSubordinateIds(machine.environment, ann), files);
});
