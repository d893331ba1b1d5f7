import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { recordLockHolder, tryRecordLock } from "../../src/libc/record-lock.ts";
import { StoreLock } from "../../src/storage/store-lock.ts";
import { skipWithout } from "../support/peers.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { tempFolder } from "../support/temp.ts";
import { putHandImage, tempStore } from "../support/temp-store.ts";

const never = new AbortController().signal;
const options = { signal: never, patienceMs: 60_000 };
const impatient = { signal: never, patienceMs: 0 };
const program = fileURLToPath(import.meta.resolve("../support/posix-locker.ts"));

/** Another process that has locked the file in the older way, as the Go tools do. */
async function posixLocker(path: string, kind: "shared" | "exclusive") {
  const child = spawn(process.execPath, [program, path, kind], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return {
    pid: child.pid ?? 0,
    async release() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}

test("a lock keeps others of this process out, unless all only read", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.lock");
  const take = (kind: "shared" | "exclusive", how = impatient) => StoreLock.take(path, kind, how);
  {
    using _one = await take("shared");
    using _two = await take("shared");
    await assert.rejects(take("exclusive"), { code: "storage.busy", retryable: true });
  }
  using held = await take("exclusive");
  await assert.rejects(take("shared"), { code: "storage.busy" });
  const waiting = take("exclusive", options);
  held[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test("who waits for a lock can be called off", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.lock");
  using _held = await StoreLock.take(path, "exclusive", impatient);
  const abort = new AbortController();
  const waiting = StoreLock.take(path, "shared", { ...options, signal: abort.signal });
  abort.abort(new Error("called off"));
  await assert.rejects(waiting, /called off/);
});

test("a lock of the older kind keeps us out, and its holder is named", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.lock");
  const other = await posixLocker(path, "exclusive");
  await assert.rejects(StoreLock.take(path, "shared", impatient), (error: Error) => {
    return error.message.includes(String(other.pid));
  });
  const waiting = StoreLock.take(path, "exclusive", options);
  await other.release();
  using _held = await waiting;
  const reader = openSync(path, "r");
  assert.equal(recordLockHolder(reader, "shared"), undefined);
});

test("our lock is kept though the file is read and closed, and keeps the older kind out", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.lock");
  const held = await StoreLock.take(path, "exclusive", options);
  readFileSync(path);
  const other = posixLocker(path, "exclusive");
  const probe = openSync(path, "r+");
  assert.equal(tryRecordLock(probe, "exclusive"), false);
  held[Symbol.dispose]();
  await (await other).release();
});

test("each write leaves 64 bytes in the lock file that were not there before", async () => {
  await using folder = await tempFolder();
  const path = folder.in("x.lock");
  using lock = await StoreLock.take(path, "exclusive", options);
  const seen = new Set<string>();
  for (let count = 0; count < 3; count++) {
    lock.markWritten();
    const bytes = readFileSync(path);
    assert.equal(bytes.length, 64);
    seen.add(bytes.toString("hex"));
  }
  assert.equal(seen.size, 3);
});

const skip = skipUnprivileged() || skipWithout("podman");

for (const name of ["overlay-layers/layers.lock", "overlay-images/images.lock"]) {
  test(`podman waits for our ${name}`, { skip }, async () => {
    await using temp = await tempStore("overlay");
    await putHandImage(await temp.open(), [{ file: "text" }], ["localhost/foo:1"]);
    const order: string[] = [];
    const held = await StoreLock.take(temp.in(name), "exclusive", options);
    const listed = temp.podman("images").then((result) => {
      order.push("podman");
      return result;
    });
    // It runs, and comes to the lock; that it does not get past it is what the kernel then says, not the clock.
    await waitUntilBlocked(held.path);
    order.push("we");
    held[Symbol.dispose]();
    assert.equal((await listed).exitCode, 0);
    assert.deepEqual(order, ["we", "podman"]);
  });
}

/** Until the kernel's list of locks has one that waits (`->`) for this file. */
async function waitUntilBlocked(path: string): Promise<void> {
  const inode = `:${statSync(path).ino} `;
  const isWaiting = () =>
    readFileSync("/proc/locks", "utf8")
      .split("\n")
      .some((line) => line.includes("->") && line.includes(inode));
  while (!isWaiting()) await new Promise((resolve) => setTimeout(resolve, 20));
}
