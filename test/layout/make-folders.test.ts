import assert from "node:assert/strict";
import { stat, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeFolders } from "../../src/layout/make-folders.ts";
import { tempFolder } from "../support/temp.ts";

test("makeFolders() makes what is missing, and is content with what is there", async () => {
  await using folder = await tempFolder();
  await Promise.all([1, 2, 3].map(() => makeFolders(folder.in("a", "b", "c"), 0o755)));
  await makeFolders(folder.in("a", "b"));
  assert.ok((await stat(folder.in("a", "b", "c"))).isDirectory());
});

test("makeFolders() fails where no folder can be", { timeout: 60_000 }, async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("file"), "");
  await symlink("nowhere", folder.in("link"));
  await assert.rejects(makeFolders(folder.in("file")), { code: "EEXIST" });
  await assert.rejects(makeFolders(folder.in("file", "x")), { code: "ENOTDIR" });
  await assert.rejects(makeFolders(folder.in("link")), { code: "EEXIST" });
  if (process.platform !== "linux") return;
  await assert.rejects(makeFolders("/proc/amphora/x"), { code: "ENOENT" });
});
