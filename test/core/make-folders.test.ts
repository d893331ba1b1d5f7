import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { makeFolders } from "../../src/core/make-folders.ts";
import { tempFolder } from "../support/temp.ts";

test("makeFolders() makes what is missing, in that mode, and minds nothing that is there", async () => {
  await using folder = await tempFolder();
  for (let round = 0; round < 2; round++) makeFolders(folder.in("a", "b", "c"), 0o700);
  for (const part of ["a", "a/b", "a/b/c"])
    assert.equal((await stat(folder.in(part))).mode & 0o777, 0o700);
  makeFolders("/");
  makeFolders(".");
});

test("makeFolders() says what is in the way", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.in("file"), "");
  assert.throws(() => makeFolders(folder.in("file")), { code: "EEXIST", syscall: "mkdir" });
  assert.throws(() => makeFolders(folder.in("file", "a", "b")), { code: "ENOTDIR" });
  assert.throws(() => makeFolders(folder.in("x".repeat(300), "a")), { code: "ENAMETOOLONG" });
  assert.throws(() => makeFolders(""), { code: "ENOENT" });
});

test("makeFolders() ends where no folder can be made", { skip: !existsSync("/proc/self") }, () => {
  assert.throws(() => makeFolders("/proc/amphora/a/b"), { code: "ENOENT" });
});
