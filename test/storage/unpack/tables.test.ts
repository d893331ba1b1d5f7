import assert from "node:assert/strict";
import { test } from "node:test";
import { DirectoryTimes } from "../../../src/storage/unpack/directory-times.ts";
import { cleanPath } from "../../../src/storage/unpack/entry-name.ts";
import { NameTable } from "../../../src/storage/unpack/name-table.ts";

test("NameTable knows what it was told of tens of thousands of names", () => {
  const table = new NameTable([123, -456]);
  const name = (index: number) => `usr/share/${index % 7}/file-${index}`;
  for (let index = 0; index < 50_000; index++) table.set(name(index), index);
  for (let index = 0; index < 50_000; index += 3) table.set(name(index), 2 * index);
  for (let index = 0; index < 50_000; index++) {
    assert.equal(table.get(name(index)), index % 3 === 0 ? 2 * index : index);
    assert.equal(table.get(`${name(index)}x`), undefined);
  }
  assert.equal(table.get(""), undefined);
});

test("DirectoryTimes gives back what it was given, in order", () => {
  const times = new DirectoryTimes();
  const given = Array.from({ length: 20_000 }, (_, index) => ({
    path: `\xff${"d/".repeat(index % 40)}${index}`,
    time: { seconds: index * 1e6 - 5, nanoseconds: index },
  }));
  for (const { path, time } of given) times.add(path, time);
  const got: unknown[] = [];
  times.forEach((path, time) => void got.push({ path, time }));
  assert.deepEqual(got, given);
});

test("cleanPath() takes every name from the root", () => {
  const rows: readonly (readonly [string, string, boolean, boolean])[] = [
    ["a/b", "a/b", false, false],
    ["./a//b/", "a/b", false, false],
    ["/a/./b", "a/b", false, false],
    ["a/.hidden", "a/.hidden", false, false],
    ["a/../b", "b", true, false],
    ["../a", "a", true, false],
    ["/../a", "a", true, false],
    ["a/../../b/..", "", true, false],
    ["", "", false, true],
    [".", "", false, true],
    ["a/..", "", true, true],
    ["/", "", false, false],
    ["/.", "", false, false],
    ["..", "", true, false],
  ];
  for (const [name, path, upwards, dot] of rows) {
    assert.deepEqual(cleanPath(name), { path, upwards, dot }, name);
  }
});
