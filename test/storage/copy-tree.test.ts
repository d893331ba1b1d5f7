import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { setTimesAt, TimesBuffer } from "../../src/libc/at.ts";
import { getXattrOf, setXattrOf } from "../../src/libc/xattr.ts";
import { copyTree } from "../../src/storage/copy-tree/copy-tree.ts";
import { Helper } from "../../src/storage/copy-tree/helper.ts";
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

test("copyTree() of a big tree is the same with a thread that helps", async () => {
  await using folder = await tempFolder();
  const [from, to] = [folder.in("from"), folder.in("to")];
  makeBigTree(from);
  // Below what is there already, so that it is covered.
  mkdirSync(`${to}/d3/kept`, { recursive: true });
  writeFileSync(`${to}/d3/f7`, "covers");
  const times = new TimesBuffer();
  const old = { seconds: 9, nanoseconds: 0 };
  for (const name of ["d3", "d3/kept"]) setTimesAt(-1, `${to}/${name}`, times.set(old, old));
  const cover = {
    hidden: new Set(["d4/f5", "d5/f1"]),
    opaque: new Set<string>(),
    implied: new Map([["", "bare"] as const]),
  };
  assert.equal(await copyTree(from, to, { signal, ...plain, cover }), true);
  assert.equal(readFileSync(`${to}/d3/f7`, "utf8"), "covers");
  assert.equal(statSync(`${to}/d3`).mtimeMs, 9000);
  assert.equal(statSync(`${to}/d3/kept`).mtimeMs, 9000);
  const links = statSync(`${from}/d0/l0`).nlink;
  assert.ok(links > 20);
  assert.equal(statSync(`${to}/d0/l0`).nlink, links);
  execFileSync("bash", [
    "-c",
    `rm ${from}/d4/f5 ${from}/d5/f1; rm -r {${from},${to}}/d3; touch -d @1 {${from},${to}}{,/d4,/d5}`,
  ]);
  const [copied, model] = [listing(to), listing(from)].map((text) => new Set(text.split("\n")));
  assert.deepEqual(
    [...(copied ?? [])].filter((line) => !model?.has(line)),
    [],
  );
  assert.equal(copied?.size, model?.size);
  execFileSync("diff", ["-r", "--no-dereference", from, to]);
});

/** Of 30 folders, some in others, with 60 files each, small and not so small, and some that have names in many folders. */
function makeBigTree(folder: string): void {
  const times = new TimesBuffer();
  const numbers = Array.from({ length: 30 }, (_, number) => number);
  for (const number of numbers) {
    const dir = `${folder}/d${number}`;
    mkdirSync(`${dir}/sub`, { recursive: true });
    for (let file = 0; file < 60; file++) writeFileSync(`${dir}/f${file}`, `${number}.${file}`);
    writeFileSync(`${dir}/sub/big`, Buffer.alloc(300_000, number));
    symlinkSync("../big", `${dir}/sub/link`);
    linkSync(`${folder}/d0/f0`, `${dir}/l0`);
    linkSync(`${folder}/d0/sub/link`, `${dir}/sub/same`);
    chmodSync(`${dir}/f1`, 0o500 + number);
    const time = times.set({ seconds: 5, nanoseconds: 25 }, { seconds: number, nanoseconds: 7 });
    for (const path of [`${dir}/f2`, `${dir}/sub`]) setTimesAt(-1, path, time);
  }
  const time = times.set({ seconds: 1, nanoseconds: 0 }, { seconds: 77, nanoseconds: 5 });
  for (const number of numbers) setTimesAt(-1, `${folder}/d${number}`, time);
}

test("copyTree() is over for its thread too when it is called off", async () => {
  await using folder = await tempFolder();
  makeBigTree(folder.in("from"));
  mkdirSync(folder.in("to"));
  const abort = new AbortController();
  const gone = copyTree(folder.in("from"), folder.in("to"), { signal: abort.signal, ...plain });
  abort.abort(new Error("called off"));
  await assert.rejects(gone, /called off/);
  const left = listing(folder.in("to"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(listing(folder.in("to")), left);
});

test("who is called off waits no longer for the thread that helps than it takes to stop", async () => {
  await using folder = await tempFolder();
  for (const name of ["from", "to"]) mkdirSync(folder.in(name));
  writeFileSync(folder.in("from", "file"), "content");
  const roots = [openSync(folder.in("from"), "r"), openSync(folder.in("to"), "r")] as const;
  try {
    const helper = new Helper({ from: roots[0], to: roots[1], options: plain, hidden: new Set() });
    assert.equal(helper.take("", ["file"], 0), 1);
    const abort = new AbortController();
    const finished = helper.finish(abort.signal);
    abort.abort(new Error("called off"));
    await assert.rejects(finished, /called off/);
  } finally {
    roots.forEach(closeSync);
  }
});

test("what fails in a thread that helps is told as system calls are", async () => {
  await using folder = await tempFolder();
  for (const name of ["from", "to"]) mkdirSync(folder.in(name));
  const roots = [openSync(folder.in("from"), "r"), openSync(folder.in("to"), "r")] as const;
  try {
    const helper = new Helper({ from: roots[0], to: roots[1], options: plain, hidden: new Set() });
    assert.equal(helper.take("", ["gone", "too"], 1), 1);
    await assert.rejects(helper.finish(signal), { code: "ENOENT", syscall: "statx" });
  } finally {
    roots.forEach(closeSync);
  }
});
