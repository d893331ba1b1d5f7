import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  blobAt,
  bodyOf,
  callBy,
  manifestAt,
  openTestStore,
  pushBlob,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { tempFolder } from "../../support/temp.ts";

// Two stores in one process are as far apart as two processes: each has its own connection, and locks belong to open files.

const app = repositoryAt("team/app");

/** What another process does between two of our turns is seen in the next. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("Two that have a folder open see each other's pushes and removals at once", async () => {
  await using folder = await tempFolder();
  await using one = await openTestStore(folder.path);
  await using other = await openTestStore(folder.path);
  for (let n = 0; n < 5; n++) {
    const manifest = await pushImage(one, app, ["latest"], `${n}`);
    await nextTurn();
    assert.deepEqual(await manifestAt(other, app, "latest"), manifest);
    assert.deepEqual(await manifestAt(one, app, "latest"), manifest);
    const again = await pushImage(other, app, ["latest"], `other ${n}`);
    await nextTurn();
    assert.deepEqual(await manifestAt(one, app, "latest"), again);
  }
  const blob = await pushBlob(one, app, Buffer.from("blob"));
  assert.ok(await blobAt(other, app, blob));
  await one.deleteBlob(app, blob, callBy());
  await one.deleteManifest(app, { type: "tag", tag: "latest" }, callBy());
  await nextTurn();
  assert.equal(await blobAt(other, app, blob), undefined);
  assert.equal(await manifestAt(other, app, "latest"), undefined);
});

test("Two that write at a time lose nothing of each other's, and index.json shows all", async () => {
  await using folder = await tempFolder();
  const images = 12;
  {
    await using one = await openTestStore(folder.path);
    await using other = await openTestStore(folder.path);
    const pushing = [one, other].map(async (store, nth) => {
      for (let n = 0; n < images; n++) await pushImage(store, app, [`${nth}.${n}`], `${nth}.${n}`);
      await store.flush();
    });
    await Promise.all(pushing);
    const page = await one.listTags(app, { limit: 100 }, callBy());
    assert.equal(page?.names.length, 2 * images);
  }
  const file = folder.in("repositories/registry.example_5000/team/app/index.json");
  assert.equal(JSON.parse(await readFile(file, "utf8")).manifests.length, 2 * images);
});

test("An upload begun at one goes on at the other, with what is between them in order", async () => {
  await using folder = await tempFolder();
  await using one = await openTestStore(folder.path);
  await using other = await openTestStore(folder.path);
  const bytes = randomBytesOf(1, 300_000);
  const begun = await one.beginUpload(app, { type: "new" }, callBy());
  assert.ok(begun.type === "open");
  const { id } = begun.upload;
  const append = (store: typeof one, first: number) =>
    store.appendUpload(
      app,
      id,
      {
        body: bodyOf(bytes.subarray(first, first + 50_000)),
        range: { first, last: first + 49_999 },
      },
      callBy(),
    );
  const same = await Promise.allSettled([append(one, 0), append(other, 0)]);
  assert.equal(same.filter(({ status }) => status === "fulfilled").length, 1);
  for (const first of [50_000, 100_000, 150_000]) {
    await append(first % 100_000 === 0 ? one : other, first);
  }
  const digest = digestOf(bytes);
  const end = { body: bodyOf(bytes.subarray(200_000)), digest };
  await one.finishUpload(app, id, end, callBy());
  assert.deepEqual(await blobAt(other, app, digest), bytes);
});

test("Opening does not disturb what another is filling or writing", async () => {
  await using folder = await tempFolder();
  await using one = await openTestStore(folder.path);
  const bytes = randomBytesOf(1, 100_000);
  const fill = await one.cache.beginFill(app, digestOf(bytes));
  assert.ok(fill !== "held");
  await fill.append(bytes.subarray(0, 50_000));
  {
    await using other = await openTestStore(folder.path);
    assert.equal((await other.collectGarbage()).uploads, 0);
  }
  await fill.append(bytes.subarray(50_000));
  await fill.finish();
  await fill[Symbol.asyncDispose]();
  assert.deepEqual(await blobAt(one, app, digestOf(bytes)), bytes);
});

test("A folder of a newer format is refused, in the file and in the database", async () => {
  await using folder = await tempFolder();
  await (await openTestStore(folder.path)).close();
  const newer = { code: "registry-store.newer-format" };
  const database = new DatabaseSync(folder.in("registry.db"));
  database.exec("pragma user_version = 99");
  await assert.rejects(openTestStore(folder.path), newer);
  database.exec("pragma user_version = 1");
  database.close();
  await writeFile(folder.in("amphora-registry.json"), '{"format":2,"more":"members"}');
  await assert.rejects(openTestStore(folder.path), newer);
  await writeFile(folder.in("amphora-registry.json"), '{"format":1,"more":"members"}');
  await (await openTestStore(folder.path)).close();
  for (const text of ["", "{}", "[", '{"format":0}']) {
    await writeFile(folder.in("amphora-registry.json"), text);
    await assert.rejects(openTestStore(folder.path), { code: "registry-store.not-a-store" });
  }
});

test("A database of before the first step is brought to today's form", async () => {
  await using folder = await tempFolder();
  new DatabaseSync(folder.in("registry.db")).close(); // as a process leaves it that died right away
  await using store = await openTestStore(folder.path);
  const manifest = await pushImage(store, app, ["v1"], "a");
  assert.deepEqual(await manifestAt(store, app, "v1"), manifest);
});

test("What cannot be a store is refused with a reason", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.in("file"), "");
  await assert.rejects(openTestStore(folder.in("file")), { code: "registry-store.unusable" });
  await mkdir(folder.in("registry.db"));
  await assert.rejects(openTestStore(folder.path), { code: "registry-store.unusable" });
});

test("Many open an empty folder at a time", async () => {
  await using folder = await tempFolder();
  const stores = await Promise.all([1, 2, 3, 4].map(() => openTestStore(folder.path)));
  const images = await Promise.all(
    stores.map((store, n) => pushImage(store, app, [`${n}`], `${n}`)),
  );
  await nextTurn();
  for (const [n, image] of images.entries()) {
    for (const store of stores) assert.deepEqual(await manifestAt(store, app, `${n}`), image);
  }
  await Promise.all(stores.map((store) => store.close()));
});

test("close() lets what was begun end, and nothing begin", async () => {
  await using folder = await tempFolder();
  const store = await openTestStore(folder.path);
  const first = await pushImage(store, app, ["v1"], "a");
  const begun = await store.beginUpload(app, { type: "new" }, callBy());
  assert.ok(begun.type === "open");
  const release = Promise.withResolvers<void>();
  const blob = Buffer.from("slow");
  async function* slowly() {
    yield blob.subarray(0, 2);
    await release.promise;
    yield blob.subarray(2);
  }
  const end = { body: slowly(), digest: digestOf(blob) };
  const finishing = store.finishUpload(app, begun.upload.id, end, callBy());
  const putting = store.putManifest(app, { manifest: first, tags: ["v2"] }, callBy());
  const filling = await store.cache.beginFill(app, digestOf(Buffer.from("late")));
  assert.ok(filling !== "held");
  await filling.append(Buffer.from("late"));
  const closing = store.close();
  await assert.rejects(filling.finish(), { status: 503 });
  await filling[Symbol.asyncDispose]();
  await assert.rejects(manifestAt(store, app, "v1"), { status: 503 });
  release.resolve();
  await Promise.all([finishing, putting, closing]);
  assert.throws(() => store.cache.readTag(repositoryAt("b"), "v1"), { status: 503 });
  await using again = await openTestStore(folder.path);
  assert.deepEqual(await manifestAt(again, app, "v2"), first);
  assert.deepEqual(await blobAt(again, app, digestOf(blob)), blob);
});
