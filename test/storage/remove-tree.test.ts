import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { removeTree } from "../../src/storage/remove-tree.ts";
import { tempFolder } from "../support/temp.ts";

test("removeTree() removes names of any bytes, and links, but not where they lead", async () => {
  await using folder = await tempFolder();
  const tree = folder.in("tree");
  mkdirSync(Buffer.from(`${tree}/d\xff/e\xfe`, "latin1"), { recursive: true });
  writeFileSync(Buffer.from(`${tree}/d\xff/e\xfe/f\xfd`, "latin1"), "");
  writeFileSync(folder.in("kept"), "kept");
  symlinkSync(folder.in("kept"), `${tree}/link`);
  symlinkSync(folder.path, `${tree}/folder`);
  await removeTree(tree);
  assert.equal(existsSync(tree), false);
  assert.equal(readFileSync(folder.in("kept"), "utf8"), "kept");
  await removeTree(tree);
});

test("removeTree() removes what lies deeper than a path may be long", async () => {
  await using folder = await tempFolder();
  const name = "n".repeat(200);
  const script = `mkdir tree && cd tree && for i in $(seq 30); do mkdir ${name} other && touch f && cd ${name}; done`;
  execFileSync("bash", ["-c", script], { cwd: folder.path });
  await removeTree(folder.in("tree"));
  assert.equal(existsSync(folder.in("tree")), false);
});

test("removeTree() tells what cannot be removed as node:fs does", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.in("file"), "");
  await assert.rejects(removeTree(folder.in("file", "below")), {
    code: "ENOTDIR",
    syscall: "rmdir",
  });
});
