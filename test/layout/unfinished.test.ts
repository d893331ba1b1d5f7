import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { identifyProcess, lifeOf, newOwner } from "../../src/layout/owner.ts";
import { isUnfinishedName, sweepUnfinished } from "../../src/layout/unfinished.ts";
import { tempFolder } from "../support/temp.ts";

const self = await identifyProcess();

/** The owner that a process had which is no more. */
async function deadOwner(): Promise<string> {
  const child = spawn("sleep", ["60"]);
  const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
  const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  child.kill("SIGKILL");
  await once(child, "exit");
  return newOwner({ ...self, pid: child.pid ?? 0, start });
}

test("lifeOf() tells the living from the dead, and from those it cannot look up", async () => {
  assert.equal(await lifeOf(newOwner(self), self), "alive");
  assert.equal(await lifeOf(newOwner({ ...self, pid: 1, start: "1" }), self), "dead");
  assert.equal(await lifeOf(newOwner({ ...self, start: "1" }), self), "dead"); // our number, used before
  assert.equal(await lifeOf(await deadOwner(), self), "dead");
  assert.equal(await lifeOf(newOwner({ ...self, boot: "ffffffff" }), self), "unknown");
  assert.equal(await lifeOf(newOwner({ ...self, namespace: "1" }), self), "unknown");
  assert.equal(await lifeOf("anything", self), "unknown");
});

test("sweepUnfinished() removes what the dead left, and nothing else", async () => {
  await using folder = await tempFolder();
  const [dead, elsewhere] = [await deadOwner(), newOwner({ ...self, boot: "ffffffff" })];
  const kept = [
    ".amphora-",
    ".amphora-notes",
    ".amphora-lock",
    `.amphora-${newOwner(self)}`,
    `.amphora-${elsewhere}`,
    `x.amphora-${dead}`,
    "index.json",
  ];
  for (const name of kept) await writeFile(folder.in(name), "");
  await mkdir(folder.in(`.amphora-${dead}`));
  await writeFile(folder.in(`.amphora-${dead}`, "manifest.json"), "");
  await symlink(folder.in("index.json"), folder.in(`.amphora-${await deadOwner()}`));
  await sweepUnfinished(folder.path, self);
  assert.deepEqual((await readdir(folder.path)).sort(), kept.sort());
});

test("sweepUnfinished() removes what nobody can look up when it was left alone for a day", async () => {
  await using folder = await tempFolder();
  const name = `.amphora-${newOwner({ ...self, boot: "ffffffff" })}`;
  await writeFile(folder.in(name), "");
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3600_000);
  await utimes(folder.in(name), hoursAgo(23), hoursAgo(23));
  await sweepUnfinished(folder.path, self);
  assert.deepEqual(await readdir(folder.path), [name]);
  await utimes(folder.in(name), hoursAgo(25), hoursAgo(25));
  await sweepUnfinished(folder.path, self);
  assert.deepEqual(await readdir(folder.path), []);
});

test("sweepUnfinished() finds nothing in a folder that is not there", async () => {
  await sweepUnfinished("/nowhere/at/all", self);
});

test("isUnfinishedName() knows the names that are given while a run goes on", () => {
  assert.equal(isUnfinishedName(`.amphora-${newOwner(self)}`), true);
  assert.equal(isUnfinishedName(".amphora-lock"), true);
  assert.equal(isUnfinishedName(".amphora-notes"), false);
  assert.equal(isUnfinishedName("version"), false);
});
