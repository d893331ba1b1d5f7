import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lockFolder } from "../../src/layout/folder-lock.ts";
import { identifyProcess, newOwner } from "../../src/layout/owner.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const signal = new AbortController().signal;
const self = await identifyProcess();
const writer = new URL("locking-process.ts", import.meta.url);

/** Adds one to a number in a file; loses nothing only where nobody else does the same at the same time. */
async function addOne(folder: TempFolder): Promise<void> {
  await using _lock = await lockFolder(folder.path, { self, signal });
  const number = Number(await readFile(folder.in("number"), "utf8"));
  await sleep(1);
  await writeFile(folder.in("number"), String(number + 1));
}

test("lockFolder() lets one in at a time, within a process", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("number"), "0");
  await Promise.all(Array.from({ length: 30 }, () => addOne(folder)));
  assert.equal(await readFile(folder.in("number"), "utf8"), "30");
  assert.deepEqual(await readdir(folder.path), ["number"]);
});

test("lockFolder() lets one in at a time, among processes", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("number"), "0");
  const processes = Array.from({ length: 5 }, () => fork(writer, [folder.path, "20"]));
  const ends = await Promise.all(processes.map((each) => once(each, "exit")));
  assert.ok(ends.every(([code]) => code === 0));
  assert.equal(await readFile(folder.in("number"), "utf8"), "100");
  assert.deepEqual(await readdir(folder.path), ["number"]);
});

test("lockFolder() takes over from a holder that was killed", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("number"), "0");
  const holder = fork(writer, [folder.path, "hold"]);
  await once(holder, "message");
  const waiting = lockFolder(folder.path, { self, signal, patienceMs: 300_000 });
  holder.kill("SIGKILL");
  await using _lock = await waiting;
});

test("lockFolder() waits for a living holder no longer than told", async () => {
  await using folder = await tempFolder();
  await using _lock = await lockFolder(folder.path, { self, signal });
  const waiting = lockFolder(folder.path, { self, signal, patienceMs: 30 });
  await assert.rejects(waiting, { code: "layout.busy" });
  assert.deepEqual(await readdir(folder.path), [".amphora-lock"]);
});

test("lockFolder() takes over from a silent holder whom nobody can look up", async () => {
  await using folder = await tempFolder();
  const other = newOwner({ ...self, boot: "ffffffff" });
  await mkdir(folder.in(".amphora-lock"));
  await writeFile(folder.in(".amphora-lock", other), "");
  const options = { self, signal, patienceMs: 20, silenceMs: 3600_000 };
  await assert.rejects(lockFolder(folder.path, options), { code: "layout.busy" });
  await using lock = await lockFolder(folder.path, { self, signal, silenceMs: 50 });
  await lock.assertHeld();
});

test("lockFolder() does not mind the empty lock of one killed while giving it back", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.in(".amphora-lock"));
  await using lock = await lockFolder(folder.path, { self, signal });
  await lock.assertHeld();
});

test("lockFolder() stops waiting when called off, and leaves nothing", async () => {
  await using folder = await tempFolder();
  await using _lock = await lockFolder(folder.path, { self, signal });
  const stop = new AbortController();
  const waiting = lockFolder(folder.path, { self, signal: stop.signal });
  const reason = new Error("called off");
  setTimeout(() => stop.abort(reason), 20);
  await assert.rejects(waiting, (error) => error === reason);
  assert.deepEqual(await readdir(folder.path), [".amphora-lock"]);
});

test("assertHeld() tells of a lock that was taken away", async () => {
  await using folder = await tempFolder();
  await using lock = await lockFolder(folder.path, { self, signal });
  await rm(folder.in(".amphora-lock"), { recursive: true });
  await assert.rejects(lock.assertHeld(), { code: "layout.busy" });
});
