import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { setTimesAt, TimesBuffer } from "../../src/libc/at.ts";
import { getXattrOf, setXattrOf } from "../../src/libc/xattr.ts";
import { copyTree } from "../../src/storage/copy-tree.ts";
import { tempFolder } from "../support/temp.ts";

const { signal } = new AbortController();
const plain = { userNamespace: false, ignoreChownErrors: false };
const isRoot = process.getuid?.() === 0;

test("copyTree() copies what a root file system is made of", async () => {
  await using folder = await tempFolder();
  const from = folder.in("from");
  mkdirSync(`${from}/dir/sub`, { recursive: true });
  writeFileSync(`${from}/dir/sub/file`, "content");
  chmodSync(`${from}/dir/sub/file`, 0o4751);
  linkSync(`${from}/dir/sub/file`, `${from}/linked`);
  symlinkSync("/nowhere/at all", `${from}/dir/link`);
  writeFileSync(Buffer.from(`${from}/b\xff\xfe`, "latin1"), "bytes");
  execFileSync("mkfifo", [`${from}/fifo`]);
  chmodSync(`${from}/dir`, 0o2555);
  if (isRoot) makeWhatRootCan(from);
  const times = new TimesBuffer();
  const [old, odd] = [
    { seconds: -5, nanoseconds: 7 },
    { seconds: 3, nanoseconds: 123456789 },
  ];
  setTimesAt(-1, `${from}/dir`, times.set(odd, odd));
  setTimesAt(-1, `${from}/linked`, times.set(old, old));
  setXattrOf(`${from}/dir\0`, "user.note", Buffer.from("a\0b"));
  mkdirSync(folder.in("to"));
  await copyTree(from, folder.in("to"), { signal, ...plain });
  assert.equal(listing(folder.in("to")), listing(from));
  const to = folder.in("to");
  assert.equal(readFileSync(`${to}/linked`, "utf8"), "content");
  assert.equal(statSync(`${to}/linked`).ino, statSync(`${to}/dir/sub/file`).ino);
  assert.equal(statSync(`${to}/dir`, { bigint: true }).mtimeNs, 3_123_456_789n);
  assert.equal(getXattrOf(`${to}/dir\0`, "user.note")?.toString(), "a\0b");
});

/** Names, types, modes, owners, number of names, times and sizes, all as bytes. */
function listing(folder: string): string {
  const format = "%P %y %m %n %U:%G %T@ %l\\n";
  const found = execFileSync("find", [".", "-printf", format], { cwd: folder, encoding: "latin1" });
  return found.split("\n").sort().join("\n");
}

function makeWhatRootCan(folder: string): void {
  execFileSync("mknod", [`${folder}/null`, "c", "1", "3"]);
  execFileSync("mknod", [`${folder}/disk`, "b", "259", "700"]);
  lchownSync(`${folder}/dir/link`, 12, 34);
  lchownSync(`${folder}/dir/sub`, 1000, 100000);
}

test("copyTree() leaves devices out where they cannot be made", { skip: !isRoot }, async () => {
  await using folder = await tempFolder();
  mkdirSync(folder.in("from"));
  mkdirSync(folder.in("to"));
  execFileSync("mknod", [folder.in("from", "null"), "c", "1", "3"]);
  await copyTree(folder.in("from"), folder.in("to"), { signal, ...plain, userNamespace: true });
  assert.equal(lstatSync(folder.in("to", "null"), { throwIfNoEntry: false }), undefined);
});

test("copyTree() goes deeper than a path may be long", async () => {
  await using folder = await tempFolder();
  const name = "n".repeat(200);
  const script = `mkdir from to && cd from && for i in $(seq 30); do mkdir ${name} && cd ${name}; done && echo deep > end`;
  execFileSync("bash", ["-c", script], { cwd: folder.path });
  await copyTree(folder.in("from"), folder.in("to"), { signal, ...plain });
  const read = `cd to && for i in $(seq 30); do cd ${name}; done && cat end`;
  assert.equal(
    execFileSync("bash", ["-c", read], { cwd: folder.path, encoding: "utf8" }),
    "deep\n",
  );
  execFileSync("rm", ["-rf", folder.in("from"), folder.in("to")]);
});
