import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { test } from "node:test";
import { digestOf } from "../../src/core/digest.ts";
import { nameOf, putEntry } from "../../src/layout/entries.ts";
import { lockFolder } from "../../src/layout/folder-lock.ts";
import { type LayoutIndex, newEntry } from "../../src/layout/index-file.ts";
import { IndexMemory } from "../../src/layout/index-memory.ts";
import { readLayoutIndex } from "../../src/layout/layout-folder.ts";
import { identifyProcess } from "../../src/layout/owner.ts";
import { updateLayoutIndex } from "../../src/layout/update-index.ts";
import { tempFolder } from "../support/temp.ts";

const signal = AbortSignal.timeout(600_000);

/** Notes each index.json that is written. */
class Noting extends IndexMemory {
  readonly written = new Set<Buffer>();

  override keep(path: string, bytes: Buffer, index: LayoutIndex): void {
    this.written.add(bytes);
    super.keep(path, bytes, index);
  }
}

async function layout() {
  const folder = await tempFolder();
  await mkdir(folder.in("layout"));
  const memory = new Noting();
  const paths = { folder: folder.in("layout"), memory };
  const self = await identifyProcess();
  const put = (name: string, until = signal) =>
    updateLayoutIndex(paths, { self, signal: until }, async (index) => ({
      index: named(index, name),
    }));
  const names = async () => (await readLayoutIndex(paths)).manifests?.map(nameOf).sort();
  return { ...folder, paths, self, memory, put, names };
}

function named(index: LayoutIndex, name: string): LayoutIndex {
  return putEntry(index, newEntry("x", digestOf(Buffer.from(name)), 1), name);
}

test("changes that are ready at the same time are written together, and none is lost", async () => {
  await using to = await layout();
  const all = Array.from({ length: 100 }, (_, n) => `n${n}`).sort();
  await Promise.all(all.map((name) => to.put(name)));
  assert.deepEqual(await to.names(), all);
  assert.ok(to.memory.written.size <= 3, `${to.memory.written.size} times`);
  assert.deepEqual(await readdir(to.paths.folder), ["index.json"]);
});

test("a change that is refused or called off is so for itself alone", async () => {
  await using to = await layout();
  const held = await lockFolder(to.paths.folder, { self: to.self, signal });
  const calledOff = [new AbortController(), new AbortController()] as const;
  const refused = updateLayoutIndex(to.paths, { self: to.self, signal }, () => {
    throw new Error("no");
  });
  const ends = Promise.allSettled([
    to.put("first", calledOff[0].signal),
    to.put("a"),
    refused,
    to.put("later", calledOff[1].signal),
    to.put("b"),
  ]);
  for (const each of calledOff) each.abort(new Error("called off"));
  await assert.rejects(to.put("never", calledOff[0].signal), { message: "called off" });
  await held[Symbol.asyncDispose]();
  const reasons = (await ends).map((end) => (end.status === "rejected" ? end.reason.message : ""));
  assert.deepEqual(reasons, ["called off", "", "no", "called off", ""]);
  assert.deepEqual(await to.names(), ["a", "b"]);
  assert.deepEqual(await readdir(to.paths.folder), ["index.json"]);
});

test("what runs after a change has ended before another sees the layout", async () => {
  await using to = await layout();
  const events: string[] = [];
  const change = (name: string) =>
    updateLayoutIndex(to.paths, { self: to.self, signal }, async (index) => {
      events.push(`${name} changes`);
      return {
        index: named(index, name),
        after: async () => {
          assert.ok((await to.names())?.includes(name));
          events.push(`after ${name}`);
        },
      };
    });
  await Promise.all([change("a"), change("b"), change("c")]);
  assert.deepEqual(
    events,
    ["a", "b", "c"].flatMap((name) => [`${name} changes`, `after ${name}`]),
  );
});

test("what cannot be written fails for all that were to be, and the next may try", async () => {
  await using to = await layout();
  await mkdir(to.in("layout", "index.json"));
  const ends = await Promise.allSettled([to.put("a"), to.put("b")]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  await assert.rejects(to.put("c"), { code: "layout.unreadable" });
  assert.deepEqual(await readdir(to.paths.folder), ["index.json"]);
});
