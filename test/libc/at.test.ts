import assert from "node:assert/strict";
import {
  constants,
  mkdirSync,
  openSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants as system } from "node:os";
import { test } from "node:test";
import {
  at,
  closeFile,
  createAt,
  isFolderAt,
  isSymlinkAt,
  linkAt,
  makeFolderAt,
  makeSymlinkAt,
  openInRoot,
  openInRootByWalk,
  setTimesAt,
  TimesBuffer,
  unlinkAt,
} from "../../src/libc/at.ts";
import { getXattrOf, listXattrsOf, setXattrOf } from "../../src/libc/xattr.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

function rootWithLinks(temp: TempFolder): number {
  mkdirSync(temp.in("root", "a", "b"), { recursive: true });
  writeFileSync(temp.in("root", "a", "b", "file"), "");
  mkdirSync(temp.in("outside"));
  for (const [name, content] of [
    ["up", "../../../.."],
    ["slash", "/"],
    ["outside", "../outside"],
    ["b", "a/b"],
    ["a/back", "../b"],
    ["absolute", "/a/back"],
    ["circle", "circle"],
    ["proc", "/proc/self/root"],
    ["dangling", "nowhere"],
  ] as const) {
    symlinkSync(content, temp.in("root", name));
  }
  return openSync(temp.in("root"), "r");
}

const paths = [
  ".",
  "a",
  "a/b/file",
  "a/../a/./b//file",
  "..",
  "../../a",
  "up/a",
  "up",
  "slash/slash/a",
  "outside",
  "b/file",
  "a/back/file",
  "absolute/file",
  "absolute/../back",
  "circle",
  "circle/a",
  "proc/etc",
  "dangling",
  "a/none",
  "none/a",
  "a/b/file/x",
  "a/b/file/..",
];

test("openInRoot() stays in its root, and so does the walk that stands in for it", async () => {
  await using temp = await tempFolder();
  const root = rootWithLinks(temp);
  const whatIs = (fd: number) => {
    if (fd < 0) return -fd;
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    closeFile(fd);
    assert.ok(path.startsWith(temp.in("root")), path);
    return path;
  };
  for (const noSymlinks of [false, true]) {
    for (const flags of [
      at.path,
      at.path | constants.O_DIRECTORY,
      at.path | constants.O_NOFOLLOW,
    ]) {
      for (const path of paths) {
        const options = { flags, noSymlinks };
        const [kernel, walk] = [
          openInRoot(root, path, options),
          openInRootByWalk(root, path, options),
        ];
        assert.equal(whatIs(walk), whatIs(kernel), `${path} ${flags.toString(8)} ${noSymlinks}`);
      }
    }
  }
  closeFile(root);
});

test("calls relative to a folder tell what is there from what is not", async () => {
  await using temp = await tempFolder();
  const root = openSync(temp.path, "r");
  const bytes = Buffer.from("\xff\0", "latin1");
  const fd = createAt(root, bytes);
  assert.ok(fd !== undefined);
  closeFile(fd);
  assert.equal(createAt(root, bytes), undefined);
  assert.equal(makeFolderAt(root, "folder", 0o755), "done");
  assert.equal(makeFolderAt(root, "folder", 0o755), "exists");
  assert.equal(makeFolderAt(root, "none/folder", 0o755), "missing");
  assert.throws(() => makeFolderAt(root, "n".repeat(300), 0o755), { code: "ENAMETOOLONG" });
  assert.equal(linkAt(root, "none", root, "link"), "missing");
  assert.equal(linkAt(root, bytes, root, "link"), "done");
  assert.equal(makeSymlinkAt("folder", root, "soft"), "done");
  assert.deepEqual([isFolderAt(root, "folder"), isFolderAt(root, "soft")], [true, false]);
  assert.deepEqual([isSymlinkAt(root, "soft"), isSymlinkAt(root, "none")], [true, false]);
  const time = { seconds: 5_000_000_000, nanoseconds: 7 };
  setTimesAt(root, "link", new TimesBuffer().set({ seconds: -1, nanoseconds: 5 }, time));
  const { mtimeNs, atimeNs } = statSync(temp.in("link"), { bigint: true });
  assert.deepEqual([mtimeNs, atimeNs], [5_000_000_000_000_000_007n, -999_999_995n]);
  assert.equal(unlinkAt(root, "link"), "done");
  assert.equal(unlinkAt(root, "link"), "missing");
  assert.throws(
    () => unlinkAt(root, "folder"),
    ({ errno }) => errno === system.errno.EISDIR,
  );
  closeFile(root);
});

test("extended attributes are set, listed and read", async () => {
  await using temp = await tempFolder();
  writeFileSync(temp.in("file"), "");
  setXattrOf(temp.in("file"), "user.one", Buffer.from("\0\xff", "latin1"));
  setXattrOf(temp.in("file"), "user.empty", Buffer.alloc(0));
  assert.deepEqual(listXattrsOf(temp.in("file")).toSorted(), ["user.empty", "user.one"]);
  assert.equal(getXattrOf(temp.in("file"), "user.one")?.toString("latin1"), "\0\xff");
  assert.equal(getXattrOf(temp.in("file"), "user.empty")?.byteLength, 0);
  assert.equal(getXattrOf(temp.in("file"), "user.none"), undefined);
  assert.throws(() => listXattrsOf(temp.in("none")), { code: "ENOENT" });
});
