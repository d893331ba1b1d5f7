import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { makeFolders, makeFoldersSync } from "../../src/core/make-folders.ts";
import { tempFolder } from "../support/temp.ts";

for (const make of [makeFolders, makeFoldersSync]) {
  /** What it fails with; undefined where it does not. */
  const failure = async (path: string) => {
    try {
      await make(path);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  };

  test(`${make.name}() makes what is missing, in that mode, and minds nothing that is there`, async () => {
    await using folder = await tempFolder();
    for (let round = 0; round < 2; round++) await make(folder.in("a", "b", "c"), 0o700);
    for (const part of ["a", "a/b", "a/b/c"])
      assert.equal((await stat(folder.in(part))).mode & 0o777, 0o700);
    await make("/");
    await make(".");
  });

  test(`${make.name}() says what is in the way`, async () => {
    await using folder = await tempFolder();
    writeFileSync(folder.in("file"), "");
    assert.equal(await failure(folder.in("file")), "EEXIST");
    assert.equal(await failure(folder.in("file", "a", "b")), "ENOTDIR");
    assert.equal(await failure(folder.in("x".repeat(300), "a")), "ENAMETOOLONG");
    assert.equal(await failure(""), "ENOENT");
  });

  test(
    `${make.name}() ends where no folder can be made`,
    {
      skip: !existsSync("/proc/self"),
    },
    async () => assert.equal(await failure("/proc/amphora/a/b"), "ENOENT"),
  );
}
