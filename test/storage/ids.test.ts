import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { parseDigest } from "../../src/core/digest.ts";
import { dataFileName } from "../../src/storage/data-name.ts";
import { layerId, randomId, tocImageId, tocLayerId } from "../../src/storage/ids.ts";
import { checkedTime, goTimeOf } from "../../src/storage/times.ts";

const [a, b] = ["a", "b"].map((digit) => digit.repeat(64)) as [string, string];
const digestA = parseDigest(`sha256:${a}`);
const digestB = parseDigest(`sha256:${b}`);

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

test("layerId() is the first layer's DiffID, and a hash over parent and DiffID above it", () => {
  assert.equal(layerId(undefined, digestA), a);
  assert.equal(layerId(a, digestB), sha256(`${a}+${b}`));
});

test("layers and images that are known by tables of contents have IDs of their own", () => {
  assert.equal(tocLayerId(undefined, digestB), sha256(`+@TOC=${b}`));
  assert.equal(tocLayerId(a, digestB), sha256(`${a}+@TOC=${b}`));
  assert.equal(tocImageId(digestA, [undefined, digestB]), sha256(`@With TOC:${a}||sha256:${b}|`));
});

test("randomId() never gives one whose short form is a number", () => {
  for (let count = 0; count < 200; count++) assert.match(randomId(), /^(?!\d{12})[0-9a-f]{64}$/);
});

for (const [key, name] of [
  ["manifest", "manifest"],
  ["signatures", "signatures"],
  ["a.0", "a.0"],
  [`sha256:${a}`, `=${Buffer.from(`sha256:${a}`).toString("base64")}`],
  ["Manifest", "=TWFuaWZlc3Q="],
  ["instances.json", "instances.json"],
  // They would be no files of the folder.
  ["", undefined],
  [".", undefined],
  ["..", undefined],
  ["???", undefined],
  ["x".repeat(300), undefined],
] as const) {
  test(`dataFileName() of ${JSON.stringify(key.slice(0, 20))}`, () => {
    assert.equal(dataFileName(key), name);
  });
}

for (const [text, time] of [
  ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"],
  ["2024-05-06T07:08:09.120+02:00", "2024-05-06T07:08:09.12+02:00"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
  ["2024-05-06 07:08:09", undefined],
  ["2024-02-30T00:00:00Z", undefined],
  ["2024-05-06T07:08:09+24:00", undefined],
  ["", undefined],
  [undefined, undefined],
] as const) {
  test(`checkedTime() of ${text}`, () => {
    assert.equal(checkedTime(text), time);
  });
}

test("goTimeOf() writes a time as Go does", () => {
  assert.equal(goTimeOf(0), "1970-01-01T00:00:00Z");
  assert.equal(goTimeOf(1_700_000_000_120), "2023-11-14T22:13:20.12Z");
});
