import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { test } from "node:test";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import type { RegistryStore } from "../../../src/server/store/registry-store.ts";
import type { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import type { UploadPiece } from "../../../src/server/v2/backend.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  blobAt,
  bodyOf,
  callBy,
  openTestStore,
  pushBlob,
  pushImage,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { tempFolder } from "../../support/temp.ts";

const app = repositoryAt("team/app");
const bytes = randomBytesOf(1, 300_000);
const digest = digestOf(bytes);

function answers(status: number, code: string) {
  return (error: RegistryAnswerError) => {
    assert.equal(`${error.status} ${error.code}`, `${status} ${code}`);
    return true;
  };
}

async function begin(store: RegistryStore, user?: string): Promise<string> {
  const begun = await store.beginUpload(app, { type: "new" }, callBy(user));
  assert.equal(begun.type, "open");
  return begun.type === "open" ? begun.upload.id : "";
}

/** A piece of `bytes`, said to be just that. */
function piece(first: number, end: number): UploadPiece {
  return { body: bodyOf(bytes.subarray(first, end)), range: { first, last: end - 1 } };
}

const nothing: UploadPiece = { body: bodyOf(new Uint8Array()) };

test("A blob that was pushed whole is read whole, and in parts", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  assert.equal(await store.statBlob(app, digest, callBy()), undefined);
  assert.equal(await blobAt(store, app, digest), undefined);
  await pushBlob(store, app, bytes);
  assert.deepEqual(await store.statBlob(app, digest, callBy()), { size: bytes.byteLength });
  assert.deepEqual(await blobAt(store, app, digest), bytes);
  for (const [start, end] of [
    [0, 0],
    [0, 1],
    [5, 280_000],
    [299_999, 300_000],
  ] as const) {
    assert.deepEqual(await blobAt(store, app, digest, { start, end }), bytes.subarray(start, end));
  }
  assert.equal(await blobAt(store, repositoryAt("team/other"), digest), undefined);
  assert.equal(await store.statBlob(repositoryAt("team"), digest, callBy()), undefined);
});

test("The empty blob is a blob", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const empty = await pushBlob(store, app, new Uint8Array());
  assert.deepEqual(await store.statBlob(app, empty, callBy()), { size: 0 });
  assert.deepEqual(await blobAt(store, app, empty), Buffer.alloc(0));
});

test("An upload goes on where it ended, in another process too, and by any algorithm", async () => {
  for (const algorithm of ["sha256", "sha512"] as const) {
    await using folder = await tempFolder();
    let id: string;
    {
      await using store = await openTestStore(folder.path);
      id = await begin(store);
      assert.deepEqual(await store.appendUpload(app, id, piece(0, 100_000), callBy()), {
        ...{ id, size: 100_000 },
      });
    }
    await using store = await openTestStore(folder.path);
    assert.deepEqual(await store.readUpload(app, id, callBy()), { id, size: 100_000 });
    await store.appendUpload(app, id, { body: bodyOf(bytes.subarray(100_000, 150_000)) }, callBy());
    const expected = digestOf(bytes, algorithm);
    const end = { ...piece(150_000, 300_000), digest: expected };
    await store.finishUpload(app, id, end, callBy());
    assert.deepEqual(await blobAt(store, app, expected), bytes);
    assert.equal(await store.readUpload(app, id, callBy()), undefined);
    await assert.rejects(
      store.appendUpload(app, id, piece(0, 1), callBy()),
      answers(404, "BLOB_UPLOAD_UNKNOWN"),
    );
  }
});

test("appendUpload() refuses what does not begin where the upload ends, and takes it when it does", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const id = await begin(store);
  const append = (first: number, end: number) =>
    store.appendUpload(app, id, piece(first, end), callBy());
  await assert.rejects(append(1000, 2000), answers(416, "RANGE_INVALID"));
  await append(0, 1000);
  await assert.rejects(append(0, 1000), (error: RegistryAnswerError) => {
    assert.deepEqual(error.headers, { Range: "0-999" });
    return answers(416, "RANGE_INVALID")(error);
  });
  await assert.rejects(append(2000, 3000), answers(416, "RANGE_INVALID"));
  await assert.rejects(
    store.finishUpload(app, id, { ...piece(2000, 300_000), digest }, callBy()),
    answers(416, "RANGE_INVALID"),
  );
  assert.deepEqual(await store.readUpload(app, id, callBy()), { id, size: 1000 });
  await append(1000, 299_000);
  await store.finishUpload(app, id, { ...piece(299_000, 300_000), digest }, callBy());
  assert.deepEqual(await blobAt(store, app, digest), bytes);
});

test("Bytes beyond a piece's range are not taken, and those short of it are", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const id = await begin(store);
  const said = { first: 0, last: 49_999 };
  const long = { body: bodyOf(bytes.subarray(0, 50_001)), range: said };
  await assert.rejects(store.appendUpload(app, id, long, callBy()), answers(400, "SIZE_INVALID"));
  assert.equal((await store.readUpload(app, id, callBy()))?.size, 0);
  const short = { body: bodyOf(bytes.subarray(0, 20_000)), range: said };
  await assert.rejects(store.appendUpload(app, id, short, callBy()), answers(400, "SIZE_INVALID"));
  assert.equal((await store.readUpload(app, id, callBy()))?.size, 20_000);
  await store.finishUpload(app, id, { ...piece(20_000, 300_000), digest }, callBy());
  assert.deepEqual(await blobAt(store, app, digest), bytes);
});

test("What came before a body broke off is held", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const id = await begin(store);
  async function* broken() {
    yield bytes.subarray(0, 70_000);
    throw new Error("the client is gone");
  }
  await assert.rejects(store.appendUpload(app, id, { body: broken() }, callBy()), /gone/);
  assert.equal((await store.readUpload(app, id, callBy()))?.size, 70_000);
  await store.finishUpload(app, id, { ...piece(70_000, 300_000), digest }, callBy());
  assert.deepEqual(await blobAt(store, app, digest), bytes);
});

test("finishUpload() refuses other bytes than the digest's, and keeps nothing of them", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  for (const algorithm of ["sha256", "sha512"] as const) {
    const id = await begin(store);
    const end = { ...piece(0, 1000), digest: digestOf(bytes, algorithm) };
    await assert.rejects(
      store.finishUpload(app, id, end, callBy()),
      answers(400, "DIGEST_INVALID"),
    );
    assert.equal(await store.readUpload(app, id, callBy()), undefined);
    assert.equal(await store.statBlob(app, end.digest, callBy()), undefined);
  }
  assert.deepEqual(await readdir(folder.in("uploads")), []);
});

test("An upload is of one repository and one user", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const id = await begin(store, "ann");
  for (const [repository, user, given] of [
    [app, "bob", id],
    [app, undefined, id],
    [repositoryAt("team/other"), "ann", id],
    [app, "ann", "../../etc/passwd"],
    [app, "ann", ""],
    [app, "ann", id.toUpperCase()],
  ] as const) {
    const call = callBy(user);
    if (given === id.toUpperCase() && given === id) continue; // no letters in it
    assert.equal(await store.readUpload(repository, given, call), undefined);
    assert.equal(await store.cancelUpload(repository, given, call), false);
    const append = store.appendUpload(repository, given, piece(0, 10), call);
    await assert.rejects(append, answers(404, "BLOB_UPLOAD_UNKNOWN"));
  }
  assert.equal(await store.cancelUpload(app, id, callBy("ann")), true);
  assert.equal(await store.cancelUpload(app, id, callBy("ann")), false);
});

test("beginUpload() lets a user have so many at a time", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path, { maxUploadsPerUser: 2 });
  const first = await begin(store, "ann");
  await begin(store, "ann");
  await assert.rejects(begin(store, "ann"), answers(429, "TOOMANYREQUESTS"));
  await begin(store, "bob");
  await store.cancelUpload(app, first, callBy("ann"));
  await begin(store, "ann");
  await assert.rejects(begin(store, "ann"), answers(429, "TOOMANYREQUESTS"));
});

test("beginUpload() does not count what a user has abandoned", async () => {
  await using folder = await tempFolder();
  const clock = { ahead: 0 };
  const now = () => Date.now() + clock.ahead;
  await using store = await openTestStore(folder.path, { maxUploadsPerUser: 2 }, { now });
  const begun = await begin(store, "ann");
  await store.appendUpload(app, begun, piece(0, 10), callBy("ann"));
  const empty = await begin(store, "ann");
  await assert.rejects(begin(store, "ann"), answers(429, "TOOMANYREQUESTS"));
  clock.ahead = 120_000;
  await begin(store, "ann");
  assert.equal(await store.readUpload(app, empty, callBy("ann")), undefined);
  assert.equal((await store.readUpload(app, begun, callBy("ann")))?.size, 10);
  await store.appendUpload(app, begun, piece(10, 20), callBy("ann"));
});

test("A blob may be as large as the settings say", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path, { maxBlobBytes: 1000 });
  await pushBlob(store, app, bytes.subarray(0, 1000));
  const large = pushBlob(store, app, bytes.subarray(0, 1001));
  await assert.rejects(large, answers(413, "SIZE_INVALID"));
});

test("Requests for one upload wait for each other", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const id = await begin(store);
  const parts = [0, 1, 2, 3, 4, 5].map((n) => piece(n * 50_000, (n + 1) * 50_000));
  await Promise.all(parts.map((part) => store.appendUpload(app, id, part, callBy())));
  await store.finishUpload(app, id, { ...nothing, digest }, callBy());
  assert.deepEqual(await blobAt(store, app, digest), bytes);
});

test("A mount takes a blob over without bytes, from where it may", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const from = repositoryAt("team/from");
  const image = await pushImage(store, from, ["v1"], "a");
  const layer = digestOf(Buffer.from("layer a".repeat(100)));
  const mount = (wanted = layer, source = from) =>
    store.beginUpload(app, { type: "mount", digest: wanted, from: source }, callBy());
  assert.equal((await mount(digest)).type, "open");
  assert.equal((await mount(layer, repositoryAt("team/none"))).type, "open");
  assert.equal((await mount(image.digest)).type, "open"); // a manifest is no blob
  assert.equal(await store.statBlob(app, layer, callBy()), undefined);
  assert.equal((await mount()).type, "mounted");
  assert.equal((await mount()).type, "mounted");
  assert.deepEqual(await blobAt(store, app, layer), Buffer.from("layer a".repeat(100)));
  const inode = (path: string) =>
    stat(folder.in("repositories/registry.example_5000", path, "blobs/sha256", hexOf(layer)));
  assert.equal((await inode("team/app")).ino, (await inode("team/from")).ino);
  assert.equal((await inode("team/app")).nlink, 3);
});

test("A mount from anywhere takes only what the caller may read", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  await pushImage(store, repositoryAt("secret/a"), ["v1"], "a");
  const layer = digestOf(Buffer.from("layer a".repeat(100)));
  const other = repositoryAt("other");
  const mount = (mayRead: (repository: { path: string }) => boolean) =>
    store.beginUpload(other, { type: "mount", digest: layer, from: undefined, mayRead }, callBy());
  assert.equal((await mount(() => false)).type, "open");
  assert.equal((await mount(({ path }) => path !== "secret/a")).type, "open");
  assert.equal(await store.statBlob(other, layer, callBy()), undefined);
  assert.equal((await mount(({ path }) => path === "secret/a")).type, "mounted");
  assert.deepEqual(await store.statBlob(other, layer, callBy()), { size: 700 });
});

test("deleteBlob() takes a blob from one repository; who reads it reads on", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const other = repositoryAt("other");
  await pushBlob(store, app, bytes);
  await pushBlob(store, other, bytes);
  await using open = await store.openBlob(app, digest, callBy());
  assert.ok(open);
  assert.equal(await store.deleteBlob(app, digest, callBy()), true);
  assert.equal(await store.deleteBlob(app, digest, callBy()), false);
  assert.equal(await store.statBlob(app, digest, callBy()), undefined);
  assert.equal(await blobAt(store, app, digest), undefined);
  const chunks: Uint8Array[] = [];
  for await (const chunk of open.read({ start: 0, end: open.size }, callBy().signal)) {
    chunks.push(Buffer.from(chunk));
  }
  assert.deepEqual(Buffer.concat(chunks), bytes);
  assert.deepEqual(await blobAt(store, other, digest), bytes);
});

test("deleteBlob() of a blob that a manifest names is done, unless the settings mind", async () => {
  const layer = digestOf(Buffer.from("layer a".repeat(100)));
  for (const deleteReferencedBlobs of [true, false]) {
    await using folder = await tempFolder();
    await using store = await openTestStore(folder.path, { deleteReferencedBlobs });
    const image = await pushImage(store, app, ["v1"], "a");
    const removal = store.deleteBlob(app, layer, callBy());
    if (deleteReferencedBlobs) assert.equal(await removal, true);
    else await assert.rejects(removal, answers(405, "DENIED"));
    await store.deleteManifest(app, { type: "digest", digest: image.digest }, callBy());
    assert.equal(await store.deleteBlob(app, layer, callBy()), !deleteReferencedBlobs);
  }
});

test("Many requests at once for the same few blobs and tags end well", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const repositories = ["a", "b", "c"].map((path) => repositoryAt(path));
  const work = Array.from({ length: 60 }, async (_, n) => {
    const repository = repositories[n % 3] ?? app;
    const image = await pushImage(store, repository, ["latest", `t${n % 7}`], `${n % 5}`);
    await pushBlob(store, repository, bytes);
    return { repository, image };
  });
  for (const { repository, image } of await Promise.all(work)) {
    const read = { type: "digest", digest: image.digest } as const;
    assert.deepEqual(await store.readManifest(repository, read, callBy()), image);
    assert.deepEqual(await blobAt(store, repository, digest), bytes);
  }
  assert.deepEqual(await readdir(folder.in("uploads")), []);
});
