import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { landlockVersion } from "../../../src/libc/landlock.ts";
import { SharedThread } from "../../../src/storage/unpack/thread.ts";
import { unpackLayer } from "../../../src/storage/unpack/unpack-layer.ts";
import { layerEntry, layerOf, treeOf } from "../../support/layers.ts";
import { tempFolder } from "../../support/temp.ts";

const { signal } = new AbortController();
const tar = layerOf(layerEntry({ name: "a/file" }, "content"));

function targetIn(pool: string, name: string) {
  mkdirSync(join(pool, name), { recursive: true });
  const files = { folder: join(pool, name), tarSplit: join(pool, `${name}.gz`) };
  return { ...files, whiteouts: "overlay", userNamespace: false } as const;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("a shared thread unpacks layers in turn, and goes on after one that fails", async () => {
  await using temp = await tempFolder();
  const pool = temp.in("pool");
  mkdirSync(pool);
  await using thread = new SharedThread([pool]);
  const unpack = (name: string, bytes: AsyncIterable<Uint8Array>) =>
    unpackLayer(bytes, [targetIn(pool, name)], { signal, thread });
  const bad = layerOf(layerEntry({ name: "no", type: "1", linkName: "where" }));
  const broken = async function* () {
    yield tar.subarray(0, 600);
    throw new Error("cut");
  };
  const outcomes = await Promise.allSettled([
    unpack("one", once(tar)),
    unpack("two", once(bad)),
    unpack("three", broken()),
    unpack("four", once(tar)),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "fulfilled"],
  );
  for (const name of ["one", "four"])
    assert.deepEqual(treeOf(join(pool, name)), ["a/", "a/file = content"]);
});

test("a shared thread cannot touch what is outside its pool", async (context) => {
  if (landlockVersion() < 2) return context.skip("no Landlock here");
  await using temp = await tempFolder();
  mkdirSync(temp.in("pool"));
  await using thread = new SharedThread([temp.in("pool")]);
  const outside = targetIn(temp.in("beside"), "one");
  await assert.rejects(unpackLayer(once(tar), [outside], { signal, thread }), {
    code: "storage.unpack-failed",
  });
  assert.deepEqual(readdirSync(temp.in("beside")), ["one"]);
});
