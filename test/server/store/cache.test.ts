import assert from "node:assert/strict";
import { readFileSync, readSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { test } from "node:test";
import { type Digest, digestOf, hexOf } from "../../../src/core/digest.ts";
import { readRawManifest } from "../../../src/core/manifest.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import type { Fill, RegistryStore } from "../../../src/server/store/registry-store.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  blobAt,
  callBy,
  imageOf,
  indexOf,
  manifestAt,
  openTestStore,
  pushBlob,
  repositoryAt,
} from "../../support/server/store-world.ts";
import { tempFolder } from "../../support/temp.ts";

const alpine = repositoryAt("library/alpine", "docker.io");
const debian = repositoryAt("library/debian", "docker.io");
const bytes = randomBytesOf(1, 200_000);
const digest = digestOf(bytes);

async function beginFill(
  store: RegistryStore,
  repository: ServedRepository,
  wanted: Digest,
  size?: number,
): Promise<Fill> {
  const fill = await store.cache.beginFill(repository, wanted, size);
  assert.ok(fill !== "held");
  return fill;
}

async function fillWhole(
  store: RegistryStore,
  repository: ServedRepository,
  content: Uint8Array,
): Promise<Digest> {
  await using fill = await beginFill(store, repository, digestOf(content), content.byteLength);
  await fill.append(content);
  await fill.finish();
  return fill.digest;
}

test("keepManifest() keeps what names nothing that is here, with when its tags were seen", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const { cache } = store;
  const image = imageOf(Buffer.from("{}"), [bytes]);
  const index = indexOf([image]);
  assert.equal(cache.readTag(alpine, "3"), undefined);
  assert.equal(await cache.keepManifest(alpine, index, { tags: ["3"], checkedAt: 5 }), true);
  assert.deepEqual(cache.readTag(alpine, "3"), { digest: index.digest, checkedAt: 5 });
  assert.deepEqual(await manifestAt(store, alpine, "3"), index);
  assert.equal(cache.namedSize(alpine, image.digest), image.bytes.byteLength);
  assert.equal(cache.namedSize(alpine, digest), undefined);
  await cache.keepManifest(alpine, image, { tags: [], checkedAt: 6 });
  assert.equal(cache.namedSize(alpine, digest), 200_000);
  assert.equal(cache.namedSize(debian, digest), undefined);
  cache.touchTag(alpine, "3", 9);
  cache.touchTag(alpine, "3", 7);
  cache.touchTag(alpine, "none", 7);
  assert.deepEqual(cache.readTag(alpine, "3"), { digest: index.digest, checkedAt: 9 });
  await cache.keepManifest(alpine, image, { tags: ["3"], checkedAt: 10 });
  assert.deepEqual(await manifestAt(store, alpine, "3"), image);
  assert.equal(cache.removeTag(alpine, "3"), true);
  assert.equal(cache.removeTag(alpine, "3"), false);
  assert.equal(await manifestAt(store, alpine, "3"), undefined);
  assert.deepEqual(await manifestAt(store, alpine, image.digest), image);
});

test("keepManifest() does not keep schema 1, whose digest is not its bytes'", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const document = { schemaVersion: 1, name: "a", tag: "b", fsLayers: [], history: [] };
  const manifest = readRawManifest(Buffer.from(JSON.stringify(document)));
  assert.equal(await store.cache.keepManifest(alpine, manifest, { tags: [], checkedAt: 1 }), false);
  assert.equal(await manifestAt(store, alpine, manifest.digest), undefined);
});

test("A fill is read while it grows, and is a blob when it is finished", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  await using fill = await beginFill(store, alpine, digest);
  assert.equal(fill.size, 0);
  assert.equal(fill.expectedSize, undefined);
  await fill.append(bytes.subarray(0, 70_000));
  assert.equal(fill.size, 70_000);
  const read = Buffer.alloc(70_000);
  assert.equal(readSync(fill.descriptor, read, 0, 70_000, 0), 70_000);
  assert.deepEqual(read, bytes.subarray(0, 70_000));
  assert.equal(await store.statBlob(alpine, digest, callBy()), undefined);
  await fill.append(bytes.subarray(70_000));
  await fill.finish();
  assert.deepEqual(await blobAt(store, alpine, digest), bytes);
  assert.equal(readSync(fill.descriptor, read, 0, 70_000, 70_000), 70_000);
  assert.equal(await store.cache.beginFill(alpine, digest), "held");
  assert.equal(await store.statBlob(debian, digest, callBy()), undefined);
});

test("A fill that is kept is continued by the next of the same repository, in another process too", async () => {
  await using folder = await tempFolder();
  {
    await using store = await openTestStore(folder.path);
    await using fill = await beginFill(store, alpine, digest, 200_000);
    await fill.append(bytes.subarray(0, 120_000));
    await fill.keep();
  }
  await using store = await openTestStore(folder.path);
  await using other = await beginFill(store, debian, digest, 200_000);
  assert.equal(other.size, 0);
  await using fill = await beginFill(store, alpine, digest, 200_000);
  assert.equal(fill.size, 120_000);
  await using third = await beginFill(store, alpine, digest, 200_000);
  assert.equal(third.size, 0);
  await fill.append(bytes.subarray(120_000));
  await fill.finish();
  assert.deepEqual(await blobAt(store, alpine, digest), bytes);
});

test("A fill that was kept and is still read is left to the next that can have it", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const uploads = () => readdir(folder.in("uploads"));
  const read = await beginFill(store, alpine, digest, 200_000);
  await read.append(bytes.subarray(0, 120_000));
  await read.keep();
  const kept = await uploads();
  const meanwhile = await beginFill(store, alpine, digest, 200_000);
  assert.equal(meanwhile.size, 0);
  await meanwhile[Symbol.asyncDispose]();
  await read[Symbol.asyncDispose]();
  assert.deepEqual(await uploads(), kept);
  await using next = await beginFill(store, alpine, digest, 200_000);
  assert.equal(next.size, 120_000);
});

test("A fill with wrong bytes never becomes a blob", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  const wrong = Buffer.from(bytes);
  wrong[100_000] = (wrong[100_000] ?? 0) ^ 1;
  {
    await using fill = await beginFill(store, alpine, digest, 200_000);
    await fill.append(wrong);
    await assert.rejects(fill.finish(), { code: "content.digest-mismatch" });
  }
  {
    await using fill = await beginFill(store, alpine, digest, 200_000);
    await fill.append(bytes.subarray(1));
    await assert.rejects(fill.finish(), { code: "content.size-mismatch" });
  }
  {
    await using fill = await beginFill(store, alpine, digest, 200_000);
    await fill.append(bytes);
    await assert.rejects(fill.append(bytes.subarray(0, 1)), { status: 502 });
    await fill.discard();
  }
  {
    await using fill = await beginFill(store, alpine, digest);
    await fill.append(bytes); // and neither finished nor kept
  }
  assert.equal(await store.statBlob(alpine, digest, callBy()), undefined);
  assert.deepEqual(await readdir(folder.in("uploads")), []);
});

test("adoptBlob() takes over what another repository has, and is asked for by name", async () => {
  await using folder = await tempFolder();
  await using store = await openTestStore(folder.path);
  assert.equal(await store.cache.adoptBlob(alpine, digest), false);
  await fillWhole(store, debian, bytes);
  assert.equal(await store.statBlob(alpine, digest, callBy()), undefined);
  assert.equal(await store.cache.adoptBlob(alpine, digest), true);
  assert.equal(await store.cache.adoptBlob(alpine, digest), true);
  assert.deepEqual(await blobAt(store, alpine, digest), bytes);
});

/** Fills `count` blobs of 10,000 bytes, one a second. */
async function fillMany(store: RegistryStore, clock: { at: number }, count: number) {
  const digests: Digest[] = [];
  for (let n = 0; n < count; n++) {
    clock.at += 1000;
    digests.push(await fillWhole(store, alpine, randomBytesOf(n + 10, 10_000)));
  }
  return digests;
}

async function held(store: RegistryStore, digests: readonly Digest[]): Promise<string> {
  const stats = await Promise.all(digests.map((one) => store.statBlob(alpine, one, callBy())));
  return stats.map((found) => (found ? "x" : ".")).join("");
}

test("evict() lets the longest unused go, down to the low mark, and tells what went", async () => {
  await using folder = await tempFolder();
  const clock = { at: 1_000_000 };
  await using store = await openTestStore(folder.path, {}, { now: () => clock.at });
  const digests = await fillMany(store, clock, 10);
  assert.equal((await store.health()).cachedBytes, 100_000);
  const limits = { maxBytes: 100_000, lowBytes: 50_000, minAgeMs: 0 };
  clock.at += 1000;
  assert.deepEqual(await store.cache.evict(limits), {
    ...{ uploads: 0, manifests: 0, blobs: 0, bytes: 0 },
  });
  await blobAt(store, alpine, digests[0] ?? digest);
  clock.at += 1000;
  const gone = await store.cache.evict({ ...limits, maxBytes: 99_999 });
  assert.deepEqual(gone, { uploads: 0, manifests: 0, blobs: 5, bytes: 50_000 });
  assert.equal(await held(store, digests), "x.....xxxx");
  assert.equal((await store.health()).cachedBytes, 50_000);
  const first = hexOf(digests[1] ?? digest);
  await assert.rejects(stat(folder.in("blobs/sha256", first)), { code: "ENOENT" });
});

test("evict() leaves what is young, what was pushed, and what pushed manifests name", async () => {
  await using folder = await tempFolder();
  const clock = { at: 1_000_000 };
  await using store = await openTestStore(folder.path, {}, { now: () => clock.at });
  const digests = await fillMany(store, clock, 6);
  await pushBlob(store, alpine, randomBytesOf(10, 10_000)); // the first, once more
  const image = imageOf(randomBytesOf(11, 10_000), []);
  await store.putManifest(alpine, { manifest: image, tags: ["own"] }, callBy());
  await store.cache.evict({ maxBytes: 0, lowBytes: 0, minAgeMs: 1500 });
  assert.equal(await held(store, digests), "xx..xx");
  clock.at += 10_000;
  await store.cache.evict({ maxBytes: 0, lowBytes: 0, minAgeMs: 1500 });
  assert.equal(await held(store, digests), "xx....");
  assert.deepEqual(await manifestAt(store, alpine, "own"), image);
});

test("What was pushed can be evicted when its upstream has it", async () => {
  await using folder = await tempFolder();
  const clock = { at: 1_000_000 };
  await using store = await openTestStore(folder.path, {}, { now: () => clock.at });
  const image = imageOf(Buffer.from("{}"), [bytes]);
  for (const blob of [Buffer.from("{}"), bytes]) await pushBlob(store, alpine, blob);
  await store.putManifest(alpine, { manifest: image, tags: ["own"] }, callBy());
  assert.equal(await store.cache.release(debian, digest), false);
  assert.equal(await store.cache.release(alpine, digestOf(Buffer.from("none"))), false);
  assert.equal(await store.cache.release(alpine, digest), true);
  clock.at += 1000;
  const all = { maxBytes: 0, lowBytes: 0, minAgeMs: 0 };
  assert.equal((await store.cache.evict(all)).blobs, 0); // its manifest is not released
  assert.equal(await store.cache.release(alpine, image.digest), true);
  assert.deepEqual(await store.cache.evict(all), {
    ...{ uploads: 0, manifests: 0, blobs: 1, bytes: 200_000 },
  });
  assert.equal(await store.statBlob(alpine, digest, callBy()), undefined);
  assert.deepEqual(await manifestAt(store, alpine, "own"), image);
});

test("evict() leaves tagged manifests with their instances, and lets others go", async () => {
  await using folder = await tempFolder();
  const clock = { at: 1_000_000 };
  await using store = await openTestStore(folder.path, {}, { now: () => clock.at });
  const instance = imageOf(Buffer.from("{}"), [bytes]);
  const index = indexOf([instance]);
  const loose = imageOf(Buffer.from("{ }"), []);
  await fillWhole(store, alpine, bytes);
  await store.cache.keepManifest(alpine, instance, { tags: [], checkedAt: clock.at });
  await store.cache.keepManifest(alpine, index, { tags: ["3"], checkedAt: clock.at });
  await store.cache.keepManifest(alpine, loose, { tags: ["old"], checkedAt: clock.at });
  store.cache.removeTag(alpine, "old");
  clock.at += 1000;
  await manifestAt(store, alpine, instance.digest); // its layer counts as used
  await store.cache.evict({ maxBytes: 0, lowBytes: 0, minAgeMs: 500 });
  assert.equal((await store.statBlob(alpine, digest, callBy()))?.size, 200_000);
  clock.at += 1000;
  const gone = await store.cache.evict({ maxBytes: 0, lowBytes: 0, minAgeMs: 500 });
  assert.equal(gone.blobs, 1);
  assert.equal(await store.statBlob(alpine, digest, callBy()), undefined);
  assert.deepEqual(await manifestAt(store, alpine, "3"), index);
  assert.deepEqual(await manifestAt(store, alpine, instance.digest), instance);
  assert.equal(await manifestAt(store, alpine, loose.digest), undefined);
  await fillWhole(store, alpine, bytes);
  assert.deepEqual(await blobAt(store, alpine, digest), bytes);
});

test("evict() never takes what somebody reads", async () => {
  await using folder = await tempFolder();
  const clock = { at: 1_000_000 };
  await using store = await openTestStore(folder.path, {}, { now: () => clock.at });
  await fillWhole(store, alpine, bytes);
  await using open = await store.openBlob(alpine, digest, callBy());
  assert.ok(open?.descriptor);
  clock.at += 1000;
  assert.equal((await store.cache.evict({ maxBytes: 0, lowBytes: 0, minAgeMs: 0 })).blobs, 1);
  assert.equal(await blobAt(store, alpine, digest), undefined);
  const read = Buffer.alloc(200_000);
  readSync(open.descriptor, read, 0, 200_000, 0);
  assert.deepEqual(read, bytes);
});

test("What was not known to be on the disk when the machine stopped is fetched again", async () => {
  await using folder = await tempFolder();
  {
    await using store = await openTestStore(folder.path);
    await fillWhole(store, alpine, bytes);
  }
  {
    await using store = await openTestStore(folder.path);
    assert.deepEqual(await blobAt(store, alpine, digest), bytes); // close() has waited for the disk
  }
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(folder.in("registry.db"));
  database.exec("update cached_blobs set safe = 0");
  database.close();
  const blob = folder.in("blobs/sha256", hexOf(digest));
  writeFileSync(blob, Buffer.alloc(readFileSync(blob).byteLength));
  await using store = await openTestStore(folder.path);
  assert.equal(await store.statBlob(alpine, digest, callBy()), undefined);
  await fillWhole(store, alpine, bytes);
  assert.deepEqual(await blobAt(store, alpine, digest), bytes);
});

test("A cached manifest that is damaged is one that is not there; a pushed one is an error, and is repaired by a push", async () => {
  await using folder = await tempFolder();
  const image = imageOf(Buffer.from("{}"), []);
  const damage = (path: string) =>
    writeFileSync(
      folder.in("repositories", path, "blobs/sha256", hexOf(image.digest)),
      Buffer.alloc(image.bytes.byteLength),
    );
  {
    await using store = await openTestStore(folder.path);
    await store.cache.keepManifest(alpine, image, { tags: ["3"], checkedAt: 1 });
  }
  damage("docker.io/library/alpine");
  const app = repositoryAt("app");
  {
    await using store = await openTestStore(folder.path);
    assert.equal(await manifestAt(store, alpine, "3"), undefined);
    assert.equal(await manifestAt(store, alpine, image.digest), undefined);
    await pushBlob(store, app, Buffer.from("{}"));
    await store.putManifest(app, { manifest: image, tags: ["1"] }, callBy());
    assert.deepEqual(await manifestAt(store, app, "1"), image);
  }
  damage("registry.example_5000/app");
  await using store = await openTestStore(folder.path);
  await assert.rejects(manifestAt(store, app, "1"), { status: 500 });
  await store.putManifest(app, { manifest: image, tags: ["1"] }, callBy());
  assert.deepEqual(await manifestAt(store, app, "1"), image);
});
