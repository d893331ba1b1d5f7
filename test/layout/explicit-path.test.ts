import assert from "node:assert/strict";
import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { test } from "node:test";
import { explicitPath, parentsOf } from "../../src/layout/explicit-path.ts";
import { tempFolder } from "../support/temp.ts";

async function folderWithLinks() {
  const folder = await tempFolder();
  await mkdir(folder.in("real", "sub"), { recursive: true });
  await writeFile(folder.in("file"), "");
  await symlink("real", folder.in("link"));
  await symlink("../link", folder.in("real", "up"));
  await symlink(folder.in("real"), folder.in("absolute"));
  await symlink("missing", folder.in("dangling"));
  await symlink("loop2", folder.in("loop1"));
  await symlink("loop1", folder.in("loop2"));
  return folder;
}

test("explicitPath() follows links, and lets only the last part be missing", async () => {
  await using folder = await folderWithLinks();
  const root = await realpath(folder.path);
  const table: readonly [given: string, found: string][] = [
    ["real", "/real"],
    ["link", "/real"],
    ["absolute/sub", "/real/sub"],
    ["link/up/sub/..", "/real"],
    ["link/new", "/real/new"],
    ["real/./sub//", "/real/sub"],
    ["file", "/file"],
  ];
  for (const [given, found] of table) {
    assert.equal(await explicitPath(`${folder.in()}/${given}`), root + found, given);
    assert.equal(await explicitPath(`//${folder.in()}/${given}`), root + found, given);
    assert.equal(
      await explicitPath(relative(process.cwd(), folder.in(given))),
      root + found,
      given,
    );
  }
  assert.equal(await explicitPath(""), await realpath("."));
  assert.equal(await explicitPath("/"), "/");
  assert.equal(await explicitPath("/proc/self/fd/../x"), "/proc/self/fd/../x");
});

test("explicitPath() says in Go's words what is not there", async () => {
  await using folder = await folderWithLinks();
  const root = await realpath(folder.path);
  const table: readonly [given: string, message: string][] = [
    ["no/such", `lstat ${root}/no: no such file or directory`],
    ["new/", `lstat ${root}/new: no such file or directory`],
    ["dangling", `lstat ${root}/missing: no such file or directory`],
    ["loop1", "EvalSymlinks: too many links"],
    ["file/x", `faccessat ${root}/file/x: not a directory`],
  ];
  for (const [given, message] of table) {
    await assert.rejects(explicitPath(`${root}/${given}`), {
      code: "usage.bad-reference",
      message,
    });
  }
});

test("parentsOf() lists the folders above, without the root", () => {
  assert.deepEqual(parentsOf("/a/b/c"), ["/a/b", "/a"]);
  assert.deepEqual(parentsOf("/a"), []);
  assert.deepEqual(parentsOf("/"), []);
});
